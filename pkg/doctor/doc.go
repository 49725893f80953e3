// Package doctor looks whether wasmgo can run on this host: the kernel, the installed file, containerd, CRI and Docker. It asks the daemons
// that run, over their sockets and by what the kernel knows of their processes, and reads their files only where the daemon itself says so.
//
//	host.go         kernel, overlayfs, namespaces, seccomp, security modules
//	cgroup.go       control groups
//	shim.go         settings, the data directory, the cache
//	containerd.go   the daemon behind a socket: version, configuration; the shim as it would find and run it
//	cri.go          the runtime as CRI has it
//	docker.go       dockerd's version, image store, runtimes
//	report.go       findings for people and programs
//
// A check changes nothing, except that running the shim once unpacks its programs, as the first container would. Every finding that is not good
// says what to do, as a command or as lines of a file, and is gone when that has been done: tests apply what is printed.
package doctor
