//go:build tools

// Package tools names a program beside the cluster, so that go.mod and go.sum pin everything they are built from.
package tools

import (
	_ "github.com/traefik/traefik/v3/cmd/traefik"
)
