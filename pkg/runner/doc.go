// Package runner is the process inside the sandbox: what wasmgo-runner does from its first message to its exit code. Its
// environment variable WASMGO_RUNNER chooses what it is this time:
//
//	guest        runs one guest as a container's or exec's process; package handover draws its conversation with the shim
//	compile      standard input: a module or component; standard output: machine code, or the component in parts
//	             (handover.Split), whose core modules come each by itself. A worker of the code cache
//	seccomp      standard input: an OCI seccomp profile; standard output: a BPF program. A worker of the same cache
//	fingerprint  standard output: engine.Fingerprint, part of the cache's keys
//	nsinit       waits as the init of a sandbox that is still being built, then becomes guest; see package nsinit
//
// A guest's way to its first instruction, and what each step is there for:
//
//	signals      handlers first: a container in CREATED can already be stopped
//	receive      handover.Guest from descriptor 3
//	confine      no_new_privs, our own seccomp program, the container's
//	load         machine code from the directory descriptor 4, mapped; a component's skeleton read; imports checked
//	ready        handover.Ready: the container is CREATED
//	begin        waits for Start, for as long as it takes; the shim going away ends us
//	run          module.go: instantiate, _initialize, _start; component.go: instantiate, wasi:cli/run; ends with an exit code,
//	             whatever happens
package runner
