//go:build tools

// Package tools names the provisioner of volumes, so that go.mod and go.sum pin everything it is built from.
package tools

import _ "github.com/rancher/local-path-provisioner"
