package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/antihax/optional"
	"github.com/tsuru/go-tsuruclient/pkg/tsuru"
)

// broker is a service's broker, as small as one can be.
func broker() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/status"):
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/plans"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[{"name":"small","description":"a small one"}]`)
		case strings.Contains(r.URL.Path, "/bind") && r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"TF_HOST":"db.internal"}`)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[]`)
		}
	}))
}

func service(s *session) error {
	behind := broker()
	defer behind.Close()
	api := s.client.ServiceApi
	opts := &tsuru.ServiceCreateOpts{
		Id: optional.NewString("tf-service"), Username: optional.NewString("u"), Password: optional.NewString("secret123"),
		Endpoint: optional.NewString(behind.URL), Team: optional.NewString(team),
	}
	answer, err := api.ServiceCreate(s.ctx, opts)
	if err := done("create the service", answer, err); err != nil {
		return err
	}
	wanted := tsuru.ServiceInstance{
		Name: "tf-db", ServiceName: "tf-service", PlanName: "small", TeamOwner: team, Description: "one", Tags: []string{"a"},
		Parameters: map[string]string{"k": "v"},
	}
	read := func(description string) error {
		found, answer, err := api.InstanceGet(s.ctx, "tf-service", "tf-db")
		return first(
			func() error { return done("read", answer, err) },
			func() error { return same("plan", found.Planname, "small") },
			func() error { return same("team", found.Teamowner, team) },
			func() error { return same("tags", found.Tags, wanted.Tags) },
			func() error { return same("parameters", found.Parameters, wanted.Parameters) },
			func() error { return same("description", found.Description, description) },
		)
	}
	return first(
		func() error {
			_, answer, err := api.ServiceInfo(s.ctx, "tf-service")
			return done("read the service", answer, err)
		},
		func() error {
			answer, err := api.InstanceCreate(s.ctx, "tf-service", wanted)
			return done("create", answer, err)
		},
		func() error { return read("one") },
		func() error {
			answer, err := api.ServiceInstanceStatus(s.ctx, "tf-service", "tf-db")
			if err := done("status", answer, err); err != nil {
				return err
			}
			text, err := io.ReadAll(answer.Body)
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), "is up") {
				return same("status", string(text), "... is up")
			}
			return nil
		},
		func() error {
			answer, err := api.InstanceUpdate(s.ctx, "tf-service", "tf-db", tsuru.ServiceInstanceUpdateData{
				Description: "two", Teamowner: team, Plan: "small", Tags: wanted.Tags, Parameters: wanted.Parameters,
			})
			return done("update", answer, err)
		},
		func() error { return read("two") },
		func() error {
			answer, err := api.ServiceInstanceBind(s.ctx, "tf-service", "tf-db", app, tsuru.ServiceInstanceBind{NoRestart: true})
			return done("bind", answer, err)
		},
		func() error {
			found, answer, err := api.InstanceGet(s.ctx, "tf-service", "tf-db")
			if err := done("read", answer, err); err != nil {
				return err
			}
			return same("apps", found.Apps, []string{app})
		},
		func() error {
			answer, err := api.ServiceInstanceUnbind(s.ctx, "tf-service", "tf-db", app, tsuru.ServiceInstanceUnbind{NoRestart: true})
			return done("unbind", answer, err)
		},
		func() error {
			answer, err := api.InstanceDelete(s.ctx, "tf-service", "tf-db", true)
			return done("delete", answer, err)
		},
		func() error {
			_, answer, _ := api.InstanceGet(s.ctx, "tf-service", "tf-db")
			return gone("instance", answer)
		},
		func() error {
			answer, err := api.ServiceDelete(s.ctx, "tf-service")
			return done("delete the service", answer, err)
		},
	)
}
