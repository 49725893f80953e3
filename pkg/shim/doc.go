// Package shim is the program that serves containers to containerd. The launcher, which is what containerd executes, starts one for a
// container or a pod, on a socket that is already bound (package launch draws it), and asks it for what takes its libraries:
//
//	serve      the Task service on descriptor 3, until containerd has asked for the end and there is no container
//	reclaim    kills and removes what a serve that died left behind of the container in -bundle, prints its init's number
//	info       prints what this runtime can do, as containerd asks by -info
//
// This is not containerd's own pkg/shim: that one answers only the newer protocol, reaps every child of the process,
// which would take exit statuses from their waiters, and brings in a few milliseconds of initialisation for each start
// and delete. See RATIONALE.md.
package shim
