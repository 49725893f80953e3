package bundle

// Options are what containerd's runtime configuration can say: the options table of a runtime in containerd's
// config.toml or dockerd's daemon.json, or what a client sends. The names are those of containerd's options for runc, so
// that a configuration can be moved over by changing the runtime's type.
type Options struct {
	// SystemdCgroup makes container cgroups through systemd.
	SystemdCgroup bool
	// ShimCgroup is the cgroup the shim itself is put into, "" for none.
	ShimCgroup string
	// AllowMachineCode lets modules be machine code that Wasmtime compiled elsewhere. Whoever can make a container can then run any
	// code as the container's process, which is otherwise kept from that by its engine.
	AllowMachineCode bool
	// IoUid and IoGid would own the pipes between a shim and its container. They are read and have no effect: a guest gets
	// its streams open, and has no /proc by which it could open them again.
	IoUid, IoGid uint32
}
