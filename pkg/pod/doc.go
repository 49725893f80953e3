// Package pod is containerd's Sandbox service (containerd.runtime.sandbox.v1): with `sandboxer = "shim"` in containerd's configuration
// containerd no longer makes a container out of a pause image to hold a pod, but asks the pod's shim to.
//
//	containerd                     pod.Service                              pause                  task.Service
//	----------                     -----------                              -----                  ------------
//	makes the network namespace
//	CreateSandbox           ────▶  reads CRI's configuration of the pod
//	                               keeps the shim alive              ─────────────────────────────▶ Hold
//	StartSandbox            ────▶  a tmpfs on <bundle>/rootfs with
//	                               resolv.conf, hosts, hostname, shm
//	                               sandbox.Start                    ────▶  holds the namespaces
//	                        ◀────  the pause's pid
//	Create (task)           ─────────────────────────────────────────────────────────────────────▶  Complete: the pod's
//	                               files join the container's mounts ◀────────────────────────────  files
//	PodSandboxStatus, …     ────▶  state, pid
//	WaitSandbox             ────▶                                   ◀────  (ends)
//	StopSandbox             ────▶  ends the pod's containers         ─────────────────────────────▶ Evict
//	                               kills                            ────▶
//	ShutdownSandbox         ────▶  removes what is left, lets the
//	                               shim go                           ─────────────────────────────▶ Shutdown
//
// The states of a pod are those of its pause: created, ready, stopped. There is one file per verb. What blocks is done in a pod's turn
// and outside the lock, which guards memory only.
//
// The tmpfs lies where containerd expects a container's root file system, because that is what containerd unmounts by itself when it
// deletes the bundle, of a shim that was killed too. The files in it are the pod's own: containers find their mounts by them, and CRI,
// which makes such files in the other mode, leaves them to the shim in this one.
//
// The configuration comes as a PodSandboxConfig of CRI. Its Go package brings grpc, so the few fields that matter here are read from the
// wire (config.go), held to the real thing by tests.
package pod
