// Package programs carries programs in the file of a fourth, and puts them on disk.
//
//	containerd-shim-wasmgo-v1   installed; the launcher (package launch), with the archive embedded
//	  ├ shim            the Task service, one per container or pod (package shim)
//	  ├ wasmgo          the user's commands, and the shim's short jobs that need heavy libraries (cmd/wasmgo)
//	  ├ runner/runner   the guest half, with Wasmtime (package runner)
//	  ├ runner/pause    the init of a pod (cmd/wasmgo-pause)
//	  ├ http/runner     the guest half with wasi:http
//	  └ toolbox.wasm    the shell and tools of execs, a module (cmd/wasmgo-toolbox)
//
// The launcher is what containerd executes twice for every container, so it is small and starts in half the time; the shim needs no Wasmtime,
// and the runner nothing of containerd. They are several programs so that none pays for another, and one file so that installing is one step.
//
//	archive                                made by `go run ./pkg/programs/pack DIR ARCHIVE` (make build does it)
//	    label                              of each program: size, packed size, SHA-256
//	    a DEFLATE stream of each           in the order of the label
//
//	<root>/programs/                       0700
//	<root>/programs/<digest>/              0755, the digest is the label's
//	<root>/programs/<digest>/shim          0755
//	<root>/programs/<digest>/wasmgo        0755
//	<root>/programs/<digest>/runner/       0755, entered by the runner's user through a mount of its own: nothing else is in it, but pause and
//	                                       the fingerprint (what the runner says of itself in mode fingerprint)
//
// The label makes the start of a container cheap: it says which directory to look for without unpacking or hashing
// anything. The content is compared with the label once, while it is unpacked.
//
// The launcher tells the others where they lie by WASMGO_PROGRAMS. It is also how a launcher without an archive (go test, go run)
// is told; the directory is then taken as it is.
package programs
