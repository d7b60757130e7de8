package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// others are the calls of the GitHub Action and of the dashboard: unversioned paths, their own ways to name the token.
func others() []resource {
	reads := []resource{
		{"action: deploy of an image, JSON body", imageDeploy},
		{"dashboard: healthcheck", func(s *session) error {
			status, text, err := s.call("GET", "/healthcheck/", "", "", nil)
			if err != nil || status != 200 || text != "WORKING" {
				return fmt.Errorf("%d %q %v", status, text, err)
			}
			return nil
		}},
	}
	for _, path := range []string{
		"/auth/scheme", "/users/info", "/apps?simplified=true", "/plans", "/platforms", "/teams", "/pools", "/services/instances",
		"/events?skip=&limit=20", "/events/kinds", "/deploys?limit=1000", "/apps", "/users", "/teams/demo", "/users/api-key",
	} {
		reads = append(reads, resource{"dashboard: GET " + path, func(s *session) error { return read(s, path) }})
	}
	return reads
}

// read is a read as the dashboard makes it: the answer is JSON, or 204 for an empty list.
func read(s *session, path string) error {
	status, text, err := s.call("GET", path, "type", "", nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotImplemented:
		return absent{path}
	case status == http.StatusNoContent:
		return nil
	case status != http.StatusOK || !json.Valid([]byte(text)):
		return fmt.Errorf("%d %q", status, text)
	}
	return nil
}

// imageDeploy is what the Action sends.
func imageDeploy(s *session) error {
	form := url.Values{"name": {"gh-app"}, "platform": {"static"}, "teamOwner": {team}, "pool": {pool}}
	status, text, err := s.call("POST", "/apps", "Bearer", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil || status != http.StatusCreated {
		return fmt.Errorf("app: %d %q %v", status, text, err)
	}
	defer func() { _, _, _ = s.call("DELETE", "/apps/gh-app", "Bearer", "", nil) }()
	if err := deploy(s, "gh-app"); err != nil {
		return err
	}
	_, text, err = s.call("GET", "/deploys?app=gh-app&limit=1", "Bearer", "", nil)
	var deploys []struct{ Image string }
	if err != nil || json.Unmarshal([]byte(text), &deploys) != nil || len(deploys) != 1 {
		return fmt.Errorf("deploys: %q %v", text, err)
	}
	// Without a container engine the server knows the images that it made itself, and says so of others.
	for image, words := range map[string]string{deploys[0].Image: "\nOK\n", "ghcr.io/owner/owner/repo:latest": "container engine"} {
		body, _ := json.Marshal(map[string]string{"image": image})
		_, text, err := s.call("POST", "/apps/gh-app/deploy", "Bearer", "application/json", body)
		if err != nil || !strings.Contains(text, words) {
			return fmt.Errorf("deploy of %s: %q %v", image, text, err)
		}
	}
	return nil
}
