// Package daemon runs real daemons for a test: containerd in either pinned version, with CRI and crictl or without, and dockerd with the
// docker CLI. They come from test/tools, never from the system, and share nothing with it:
//
//	<dir>/               a short temporary directory (socket paths are limited to 108 bytes, unix(7))
//	  root/ state/ sock  containerd's
//	  docker/            dockerd's
//	  cni/ ipam/         the pods' network, of CRI
//	  wasmgo/            WASMGO_ROOT of the shims
//
// The containerd namespace of each daemon is unique, so its control groups are too. dockerd, and the containerd under it,
// live in a network namespace of their own: docker0, its addresses and its iptables rules never touch the machine's. The same holds for CRI
// and the bridge of its pods.
//
// Namespaces are for tests that need a whole machine, and daemons that this package does not know: test/kubernetes.
//
// When the test ends everything is stopped, asked first and killed by pid if that does not help, and then looked for:
// processes, mounts, control groups, sockets, interfaces. What is still there fails the test. The daemons' logs are printed
// when the test has failed.
//
// The package is for tests of the host half; it needs root.
package daemon
