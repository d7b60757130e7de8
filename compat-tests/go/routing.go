package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/tsuru/go-tsuruclient/pkg/tsuru"
)

const edgeName = "tf-edge"

// edge is a router that speaks the tsuru router HTTP API and remembers what it was told of apps.
type edge struct {
	*httptest.Server
	lock     sync.Mutex
	backends map[string]map[string]any
}

func startEdge() *edge {
	e := &edge{backends: map[string]map[string]any{}}
	e.Server = httptest.NewServer(http.HandlerFunc(e.answer))
	return e
}

func (e *edge) answer(w http.ResponseWriter, r *http.Request) {
	e.lock.Lock()
	defer e.lock.Unlock()
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/info":
		_, _ = io.WriteString(w, `{"kind":"an example"}`)
	case r.URL.Path == "/support/tls":
	case len(part) == 2 && part[0] == "backend" && r.Method == http.MethodPut:
		told := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&told)
		e.backends[part[1]] = told
	case len(part) < 2 || e.backends[part[1]] == nil:
		w.WriteHeader(http.StatusNotFound)
	case len(part) == 2 && r.Method == http.MethodDelete:
		delete(e.backends, part[1])
	case len(part) == 2:
		_, _ = io.WriteString(w, `{"addresses":["http://`+part[1]+`.edge.example.com"]}`)
	case part[2] == "status":
		_, _ = io.WriteString(w, `{"status":"ready"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// told is what it knows of the app under this key.
func (e *edge) told(key string) any {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.backends[app][key]
}

// routed runs steps with an edge router that the app has.
func routed(s *session, steps func(*edge) error) error {
	e := startEdge()
	defer e.Close()
	answer, err := s.client.RouterApi.RouterCreate(s.ctx, tsuru.DynamicRouter{Name: edgeName, Type: "api", Config: map[string]any{"api-url": e.URL}})
	if err := done("make the router", answer, err); err != nil {
		return err
	}
	answer, err = s.client.AppApi.AppRouterAdd(s.ctx, app, tsuru.AppRouter{Name: edgeName, Opts: map[string]any{"class": "fast"}})
	return first(
		func() error { return done("add it to the app", answer, err) },
		func() error { return steps(e) },
		func() error {
			answer, err := s.client.AppApi.AppRouterDelete(s.ctx, app, edgeName)
			return done("take it from the app", answer, err)
		},
		func() error {
			answer, err := s.client.RouterApi.RouterDelete(s.ctx, edgeName)
			return done("remove the router", answer, err)
		},
	)
}

// edgeOfApp is the app's edge router, or nil.
func edgeOfApp(s *session) (*tsuru.AppRouter, error) {
	all, answer, err := s.client.AppApi.AppRouterList(s.ctx, app)
	for _, one := range all {
		if one.Name == edgeName {
			return &one, nil
		}
	}
	return nil, done("list", answer, err)
}

func router(s *session) error {
	read := func(class string) error {
		found, err := edgeOfApp(s)
		if err != nil || found == nil {
			return same("routers of the app", found, err)
		}
		return first(
			func() error { return same("options", found.Opts, map[string]any{"class": class}) },
			func() error { return same("status", found.Status, "ready") },
			func() error {
				return same("addresses", found.Addresses, []string{"http://" + app + ".edge.example.com"})
			},
		)
	}
	err := routed(s, func(e *edge) error {
		return first(
			func() error { return read("fast") },
			func() error {
				answer, err := s.client.AppApi.AppRouterUpdate(s.ctx, app, edgeName, tsuru.AppRouter{Name: edgeName, Opts: map[string]any{"class": "slow"}})
				return done("update", answer, err)
			},
			func() error { return read("slow") },
			func() error {
				return same("what the router was told", e.told("opts").(map[string]any)["class"], "slow")
			},
		)
	})
	if err != nil {
		return err
	}
	left, err := edgeOfApp(s)
	if left != nil {
		return same("routers after the delete", left, nil)
	}
	return err
}

func dynamicRouter(s *session) error {
	api, e := s.client.RouterApi, startEdge()
	defer e.Close()
	wanted := tsuru.DynamicRouter{Name: "tf-router", Type: "api", Config: map[string]any{"api-url": e.URL, "class": "one"}}
	find := func() (*tsuru.PlanRouter, error) {
		all, answer, err := api.RouterList(s.ctx)
		for _, one := range all {
			if one.Name == wanted.Name {
				return &one, nil
			}
		}
		return nil, done("list", answer, err)
	}
	read := func(class string) error {
		found, err := find()
		if err != nil || found == nil {
			return same("routers", found, err)
		}
		return first(
			func() error { return same("address", found.Config["api-url"], e.URL) },
			func() error { return same("configuration", found.Config["class"], class) },
			func() error { return same("what it says of itself", found.Info["kind"], "an example") },
			func() error { return same("dynamic", found.Dynamic, true) },
		)
	}
	answer, err := api.RouterCreate(s.ctx, wanted)
	return first(
		func() error { return done("create", answer, err) },
		func() error { return read("one") },
		func() error {
			wanted.Config["class"] = "two"
			answer, err := api.RouterUpdate(s.ctx, wanted.Name, wanted)
			return done("update", answer, err)
		},
		func() error { return read("two") },
		func() error { answer, err := api.RouterDelete(s.ctx, wanted.Name); return done("delete", answer, err) },
		func() error {
			left, err := find()
			if left != nil {
				return same("the deleted router", left, nil)
			}
			return err
		},
	)
}

func certificateIssuer(s *session) error {
	api, name := s.client.AppApi, "secure.example.com"
	set := func(issuer string) error {
		answer, err := api.AppSetCertIssuer(s.ctx, app, tsuru.CertIssuerSetData{Cname: name, Issuer: issuer})
		return done("set", answer, err)
	}
	read := func(issuer string) error {
		found, answer, err := api.AppGetCertificates(s.ctx, app)
		if err := done("read", answer, err); err != nil {
			return err
		}
		return same("issuer", found.Routers[edgeName].Cnames[name].Issuer, issuer)
	}
	// The router local has no certificates, which the server says as tsuru does.
	if _, answer, err := api.AppGetCertificates(s.ctx, app); answer == nil || answer.StatusCode != http.StatusNotFound {
		return same("certificates without a router that takes them", err, "no router with tls support")
	}
	return routed(s, func(e *edge) error {
		answer, err := api.AppCnameAdd(s.ctx, app, tsuru.AppCName{Cname: []string{name}})
		return first(
			func() error { return done("a host name", answer, err) },
			func() error { return set("letsencrypt") }, func() error { return read("letsencrypt") },
			func() error {
				return same("what the router was told", e.told("certIssuers"), map[string]any{name: "letsencrypt"})
			},
			func() error { return set("internal") }, func() error { return read("internal") },
			func() error {
				answer, err := api.AppUnsetCertIssuer(s.ctx, app, name)
				return done("unset", answer, err)
			},
			func() error { _, answer, _ := api.AppGetCertificates(s.ctx, app); return gone("issuer", answer) },
			func() error {
				answer, err := api.AppCnameDelete(s.ctx, app, tsuru.AppCName{Cname: []string{name}})
				return done("remove the host name", answer, err)
			},
		)
	})
}

func autoscale(s *session) error {
	api := s.client.AppApi
	set := func(spec tsuru.AutoScaleSpec) error {
		answer, err := api.AutoScaleAdd(s.ctx, app, spec)
		return done("set", answer, err)
	}
	read := func(check func(tsuru.AutoScaleSpec) error) error {
		found, answer, err := api.AutoScaleInfo(s.ctx, app)
		if err := done("read", answer, err); err != nil {
			return err
		}
		if len(found) != 1 {
			return same("specs", len(found), 1)
		}
		return check(found[0])
	}
	schedule := tsuru.AutoScaleSchedule{Name: "day", MinReplicas: 2, Start: "0 8 * * *", End: "0 20 * * *", Timezone: "Europe/Berlin"}
	metric := tsuru.AutoScalePrometheus{Name: "queue", Query: "sum(queue)", Threshold: 2.5, PrometheusAddress: "http://prometheus:9090"}
	return first(
		func() error {
			return set(tsuru.AutoScaleSpec{Process: "web", MinUnits: 1, MaxUnits: 2, AverageCPU: "50%"})
		},
		func() error {
			return read(func(spec tsuru.AutoScaleSpec) error {
				return same("spec", []any{spec.Process, spec.MinUnits, spec.MaxUnits, spec.AverageCPU}, []any{"web", 1, 2, "500m"})
			})
		},
		func() error {
			return set(tsuru.AutoScaleSpec{
				Process: "web", MinUnits: 1, MaxUnits: 3,
				Schedules: []tsuru.AutoScaleSchedule{schedule}, Prometheus: []tsuru.AutoScalePrometheus{metric},
			})
		},
		func() error {
			return read(func(spec tsuru.AutoScaleSpec) error {
				return first(
					func() error { return same("units", spec.MaxUnits, 3) },
					func() error { return same("cpu", spec.AverageCPU, "") },
					func() error { return same("schedules", spec.Schedules, []tsuru.AutoScaleSchedule{schedule}) },
					func() error { return same("metrics", spec.Prometheus, []tsuru.AutoScalePrometheus{metric}) },
				)
			})
		},
		func() error {
			answer, err := api.AutoScaleRemove(s.ctx, app, "web")
			return done("delete", answer, err)
		},
		func() error {
			found, answer, err := api.AutoScaleInfo(s.ctx, app)
			if err := done("read", answer, err); err != nil {
				return err
			}
			return same("specs after the delete", len(found), 0)
		},
	)
}

// deploy gives an app a version: a page.
func deploy(s *session, name string) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "archive.tar.gz")
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(file)
	archive, page := tar.NewWriter(packed), "a page\n"
	return first(
		func() error {
			return archive.WriteHeader(&tar.Header{Name: "index.html", Mode: 0o644, Size: int64(len(page))})
		},
		func() error { _, err := io.WriteString(archive, page); return err },
		archive.Close, packed.Close, form.Close,
		func() error {
			status, text, err := s.call("POST", "/apps/"+name+"/deploy?origin=app-deploy", "bearer", form.FormDataContentType(), body.Bytes())
			if err != nil || status != http.StatusOK || !strings.HasSuffix(text, "\nOK\n") {
				return same("deploy", text, "OK")
			}
			return nil
		},
	)
}
