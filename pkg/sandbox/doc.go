// Package sandbox is the container around one process: it builds what an OCI spec asks for, starts the runner in it, waits
// for it and takes everything away again. The shim's Task service is its only user; it knows no Wasm.
//
// A container is not assembled by a process of its own, as by runc's init, but by a thread of the shim that is thrown away
// afterwards. Namespaces, root, working directory, umask, capabilities and labels belong to a thread in Linux, so one can be
// changed beyond repair without the others noticing, and what it forks is born with all of it:
//
//	Start (any thread)             the sandbox's thread                    runner
//	------------------             --------------------                    ------
//	Check, sandbox.json
//	copy bind sources
//	make the control group    ∥    enter namespaces, new or by path
//	                               hostname, loopback, sysctls
//	                               root file system, mounts, /dev
//	                               pivot_root
//	Config.Guest finds the
//	module in the new root
//	                               capabilities, no_new_privs, label
//	                               into the control group
//	                               fork and exec             ───────▶  born as it shall be
//	                               (ends)
//	sandbox.json with the pid
//	Guest                                                    ───────▶
//	                                                         ◀───────  Ready
//	rlimits
//	(CREATED)  Begin               startContainer hooks
//	                                                         ───────▶  runs the guest
//
// Where there is a user namespace, or hooks of the creation, the init must be there first: held.go forks it early, in mode
// nsinit of the runner binary, and a second thread builds the sandbox around it and changes its root along with its own.
//
// The root file system is hostile. Every path in it is resolved by the kernel with RESOLVE_IN_ROOT, every mount is made
// detached and put in its place by descriptors (open_tree(2), fsmount(2), move_mount(2)); nothing in here joins a container's
// path to the host's path of its root and uses the sum. Linux 5.12 or later is needed for that.
//
// Mounts live in the sandbox's mount namespace only, so they and the namespaces go away with the last process. What else
// there is, a control group and the runner, stands in <bundle>/sandbox.json before it is made, and Reclaim removes it when
// the shim could not.
//
// docs/oci-support.md lists what of the spec is done, refused and passed over.
package sandbox
