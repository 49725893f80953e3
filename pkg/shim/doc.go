// Package shim is the program containerd starts for a container: containerd-shim-wasmgo-v1. It is one file on disk and
// three short lives:
//
//	containerd                     shim
//	----------                     ----
//	exec: shim … start      ────▶  reads the bootstrap parameters, finds the container's group,
//	                               binds the group's socket, starts "shim … serve" on it
//	connects to it          ◀────  prints the address and exits
//	Create, Start, … (task) ◀───▶  serve: the Task service, for every container of the group
//	Shutdown                ────▶  serve removes the socket and exits
//	exec: shim … delete     ────▶  removes what a serve that died left behind, prints how the container ended
//
// containerd 2.3 and later send BootstrapParams and understand a BootstrapResult; before that stdin is the runtime
// options and the answer a bare address, which means task API v2. Both are served on one socket.
//
// This is not containerd's own pkg/shim: that one answers only the newer protocol, reaps every child of the process,
// which would take exit statuses from their waiters, and brings in a few milliseconds of initialisation for each of the
// three lives. See RATIONALE.md.
package shim
