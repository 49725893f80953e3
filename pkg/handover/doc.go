// Package handover is the one conversation between the two halves: the shim, which knows containerd and no Wasm, and the
// runner, which knows Wasm and no containerd. Both import this package and nothing of each other.
//
// The runner is born inside a finished sandbox, with these descriptors and nothing else:
//
//	0 1 2  the container's standard streams, or the terminal
//	3      one end of a stream socket pair, the conversation below
//	4      a directory that holds the compiled module as the file "code", or a component as "component" and "core-0",
//	       "core-1" …; it stays open, for the cache's lock is on it; absent when there is nothing to load
//
// and, after the message Guest, for few guests: the host's certificates, wherever there is room (see SendGuest).
//
//	shim                                     runner
//	----                                     ------
//	fork and exec in the sandbox   ───────▶  reads descriptor 3
//	cgroup, limits, hooks
//	Guest                          ───────▶  seccomp filter on, code mapped, imports checked
//	                               ◀───────  Ready
//	(Create answers with the pid; the container is CREATED)
//	Begin                          ───────▶  closes 3, runs the guest
//	(Start answers; the container is RUNNING)
//
// The shim never reads again after Ready, so what a guest that broke out of its engine might write to the socket is
// heard by nobody. If either end closes early the other gives up: the runner exits, Create fails.
//
// A module that cannot be run (missing, damaged, wrong imports) is the container's own outcome and not a failure of the
// sandbox: it travels as a Refusal, and the runner prints it on the container's stderr and exits with its code once the
// container is started. That is how `docker run` and `kubectl logs` come to show it.
//
// The init of a pod (cmd/wasmgo-pause) speaks it too, without reading what stands in Guest: it passes over the message by its
// length, answers with an empty Ready and awaits Begin.
package handover
