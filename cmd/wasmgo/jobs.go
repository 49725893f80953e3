package main

import (
	"context"

	"wasmgo/pkg/layers"
	"wasmgo/pkg/observe/export"
)

// jobs are what the shim starts this program for, by the first argument. They are part of the start of a container, so they
// are found before any command is set up, and they are in no help text. A job gets the arguments after its name and returns
// the exit code.
var jobs = map[string]func(ctx context.Context, args []string) int{
	"layers": layers.Main,
	"spans":  export.Main,
}
