//go:build client_0_2_0

package main

// versioned are resources that only this version of the client knows: none.
func versioned() []resource { return nil }
