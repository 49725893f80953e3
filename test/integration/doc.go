// Package integration runs wasmgo under real daemons and looks at it as their users do: through containerd's Go client, ctr
// and the docker CLI. Every case of TestContainerd runs under both pinned versions of containerd.
//
// It is tests alone, needs root and the built shim (make build), and builds the daemons on first use (make tools).
package integration
