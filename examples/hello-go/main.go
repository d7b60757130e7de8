// Command hello-go answers every request with a greeting and the version of the app that runs.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from Go (%s), version %s of %s\n", runtime.GOARCH, os.Getenv("TSURU_APPVERSION"), os.Getenv("TSURU_APPNAME"))
	})
	log.Println("listening on", os.Getenv("PORT"))
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
