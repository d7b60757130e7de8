// The Go client of tsuru's Terraform provider against a running server: what the provider does with each of its resources, create, read,
// update and delete; then the deploys of the GitHub Action and the reads of the dashboard. Prints a line for each and ends with 1 when
// one failed. What the server says is not there yet (501) is counted as absent.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/tsuru/go-tsuruclient/pkg/tsuru"
)

type session struct {
	base, token string
	client      *tsuru.APIClient
	ctx         context.Context
}

// absent is what the server does not serve yet.
type absent struct{ text string }

func (a absent) Error() string { return a.text }

// resource is one of the provider's, or one read or deploy of another client.
type resource struct {
	name string
	run  func(*session) error
}

func main() {
	target := flag.String("target", "", "address of the API")
	apps := flag.String("apps", "", "address where apps answer")
	login := flag.String("login-file", "", "file with the e-mail and the password of a user who may do everything")
	flag.Parse()
	_ = apps
	s, err := open(*target, *login)
	if err != nil {
		fmt.Println("FAIL login:", err)
		os.Exit(1)
	}
	passed, failed, missing := 0, 0, 0
	for _, r := range append(append(resources(), versioned()...), others()...) {
		switch err := r.run(s).(type) {
		case nil:
			passed++
			fmt.Println("ok    ", r.name)
		case absent:
			missing++
			fmt.Println("ABSENT", r.name, err)
		default:
			failed++
			fmt.Println("FAIL  ", r.name, err)
		}
	}
	fmt.Printf("%d ok, %d failed, %d absent\n", passed, failed, missing)
	if failed > 0 {
		os.Exit(1)
	}
}

func open(target, file string) (*session, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	answer, err := http.PostForm(target+"/1.0/users/"+lines[0]+"/tokens", url.Values{"password": {lines[1]}})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var given struct{ Token string }
	if err := json.NewDecoder(answer.Body).Decode(&given); err != nil {
		return nil, err
	}
	config := tsuru.NewConfiguration()
	config.BasePath = target
	config.UserAgent = "HashiCorp/1.0 Terraform/1.9.0"
	// The provider sends the token as it is, without "bearer".
	config.DefaultHeader["Authorization"] = given.Token
	return &session{target, given.Token, tsuru.NewAPIClient(config), context.Background()}, nil
}

// done is the error of a call: what the provider takes for one. Like the provider it reads an answer to its end: streams end when the
// work is done.
func done(what string, answer *http.Response, err error) error {
	if answer != nil && err == nil {
		text, broken := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		answer.Body = io.NopCloser(bytes.NewReader(text))
		if broken != nil && len(text) == 0 && broken != io.EOF && !strings.Contains(broken.Error(), "closed") {
			return fmt.Errorf("%s: %v", what, broken)
		}
	}
	if answer != nil && answer.StatusCode == http.StatusNotImplemented {
		return absent{what}
	}
	if err != nil {
		body := ""
		if failure, ok := err.(tsuru.GenericOpenAPIError); ok {
			body = string(failure.Body())
		}
		return fmt.Errorf("%s: %v %s", what, err, body)
	}
	if answer != nil && answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", what, answer.Status)
	}
	return nil
}

// gone is the error when a read after a delete does not answer 404, by which the provider knows.
func gone(what string, answer *http.Response) error {
	if answer == nil || answer.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%s: wanted 404 after the delete", what)
	}
	return nil
}

func same(what string, found, wanted any) error {
	if fmt.Sprint(found) != fmt.Sprint(wanted) {
		return fmt.Errorf("%s: found %v, wanted %v", what, found, wanted)
	}
	return nil
}

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// call is a request as other clients make it: any header, any body.
func (s *session) call(method, path, scheme, kind string, body []byte) (int, string, error) {
	request, err := http.NewRequest(method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", strings.TrimSpace(scheme+" "+s.token))
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}
