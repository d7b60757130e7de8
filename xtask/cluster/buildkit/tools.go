//go:build tools

// Package tools names the programs of the test cluster's builder, so that go.mod and go.sum pin everything they are built from.
package tools

import (
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
)
