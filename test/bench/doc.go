// Package bench measures wasmgo beside runc: `make bench`, or `make bench BENCH=regexp` for some. Both run in turn, within one
// run, over the same containerd with a warm cache; the guest is the Go "hello" of test/guests, runc's opponent a static
// "hello" in C. Pods are measured over a containerd with CRI, by its own interface; runc's have a waiting C program as their pause. Results go to build/bench/results.json, a list of {name, value, unit, samples} merged by name over runs.
//
// It is tests alone, which do nothing unless -bench.out is given, and needs root.
package bench
