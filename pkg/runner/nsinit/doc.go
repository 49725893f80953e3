// Package nsinit is a runner's first life in a sandbox that needs a process before it is finished: WASMGO_RUNNER=nsinit. The
// process is the sandbox's init from then on; it waits with all privileges of its user namespace while the shim builds the
// root file system around it, and is told by handover.Birth who to be. Then it executes the runner in mode guest.
//
// Until then it may stand in the host's tree, and containers that share its pid namespace can see it. It cannot be traced
// and its /proc/<pid>/root cannot be followed, because it is not dumpable.
//
// Joining a user namespace is for processes of one thread (setns(2)). A Go program has never just one, so that is done by
// a C constructor, before the Go runtime starts.
package nsinit
