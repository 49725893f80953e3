// Package toolbox is the programs that an exec finds in a container which has none: a shell, and the small tools that one looks around with.
//
//	Main ─▶ by the name it is called by
//	          ├─ sh ─────▶ mvdan.cc/sh/v3: parses and runs the script; what it does not know itself comes here
//	          │              └─ exec.go: an applet, in the shell's own process ─┐
//	          └─ an applet ─────────────────────────────────────────────────────┴▶ Applets: name, flags, Run(*Call)
//
// It is one module for WASI 0.1 (cmd/wasmgo-toolbox) and runs as any guest does: as the container's user, in its namespaces and control group,
// with its limits and seccomp profile. What WASI cannot say the runner does for it (packages abi, system and host).
//
// There is one process, so an applet is a function: its working directory, environment and streams are those of its Call, a pipe is in memory,
// and whoever goes on for long asks Call.ctx. Files are told apart by subject, as in a manual: files.go, list.go, text.go ...
//
// The applets are ours and not u-root's; RATIONALE.md "Why are the toolbox's applets our own?" has what was tried.
package toolbox
