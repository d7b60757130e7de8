module impaas/compat-tests/go

go 1.24

require (
	github.com/antihax/optional v1.0.0
	github.com/tsuru/go-tsuruclient v0.5.0
)

require (
	github.com/golang/protobuf v1.5.3 // indirect
	golang.org/x/net v0.12.0 // indirect
	golang.org/x/oauth2 v0.10.0 // indirect
	google.golang.org/appengine v1.6.7 // indirect
	google.golang.org/protobuf v1.31.0 // indirect
)
