// Package cgroup is the resource side of one sandbox: a control group of its own in every hierarchy the host has, with
// the limits of linux.resources set before the first process is in it. pkg/sandbox is its only caller.
//
// Three kinds of host meet here and look the same from outside:
//
//	                v1                          hybrid                      v2 (unified)
//	hierarchies     one per controller          as v1, and an empty v2      one
//	how to be born  the starting thread goes    as v1, and the child into   CLONE_INTO_CGROUP
//	inside          ahead: AddThread            the v2 group by FD          by FD
//	freeze          freezer.state               freezer.state               cgroup.freeze
//	kill            freeze, SIGKILL, thaw       cgroup.kill                 cgroup.kill
//	OOM kills       memory.oom_control          memory.oom_control          memory.events
//
// Groups are made either by mkdir ("cgroupfs") or by asking systemd for a transient scope; a cgroupsPath of the form
// slice:prefix:name asks for the latter. The path arithmetic, the files written for each limit and the talk with systemd
// are github.com/opencontainers/cgroups', the library below runc, so that both name the same groups. What is done
// here is what it leaves to its caller or does slowly: refusing what it would drop in silence, reading the counters in
// containerd's terms, and waiting that ends.
//
// Nothing in this package keeps state between calls except the paths: a Group that was loaded from its State after the
// shim died does all that the one made by Create does. Methods may be called from several goroutines at once.
package cgroup
