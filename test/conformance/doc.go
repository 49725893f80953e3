// Package conformance runs the tests that others have written for container runtimes, under wasmgo and under runc: containerd's own
// integration tests of its client, and critest. They are about Linux programs, so they go through wasmgo's native containers. What
// fails must fail under runc as well, or stand in testdata with its reason.
//
// It is tests alone and runs by `make conformance`, as root, not with `make test`: the tests come as Go modules, are built on first use, and take
// several minutes. docs/conformance.md says what they gave.
package conformance
