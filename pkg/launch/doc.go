// Package launch is the program containerd executes twice for every container, containerd-shim-wasmgo-v1: to start its shim, and
// when the connection to the shim has ended. It is also what a user calls. It does the two by itself and leaves the rest to
// the programs it carries (package programs):
//
//	containerd                     launcher                                     shim (package shim)
//	----------                     --------                                     ----
//	exec: … start           ────▶  reads the bootstrap parameters, finds the
//	                               container's group, binds its socket,
//	                               starts the shim on it                 ────▶  begins to serve
//	connects to the socket  ◀────  prints the address and exits
//	Create, Start, … (task) ◀────────────────────────────────────────────────▶  for every container of the group
//	Shutdown                ─────────────────────────────────────────────────▶  removes the socket and exits
//	exec: … delete          ────▶  if the shim left something: shim reclaim ──▶  kills and removes it
//	                        ◀────  prints how the container ended
//
//	a user: … cache ls      ────▶  becomes wasmgo (cmd/wasmgo)
//
// containerd 2.3 and later send BootstrapParams and understand a BootstrapResult; before that stdin is the runtime
// options and the answer a bare address, which means task API v2. Both are served on one socket.
//
// Every millisecond here is paid twice by every container, so this package imports little: no net, no protobuf (the few fields of its
// four messages are read and written in wire.go, held to the real thing by tests), no decoder of options (the shim is asked, if there are
// any). RATIONALE.md has the figures.
package launch
