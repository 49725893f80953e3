package settings

// DefaultRoot is where programs and compiled code are kept unless somebody says otherwise.
const DefaultRoot = "/var/lib/wasmgo"

func hostTable() []Setting {
	return []Setting{
		field(Setting{
			Name: "root", Heading: headingHost, Default: DefaultRoot, Where: File | Environment,
			Doc: "The directory of the unpacked programs, of compiled code and of seccomp filters. It may be mounted noexec; it belongs to root, and nobody else may write to it.",
		}, path(), func(v *Values) *string { return &v.Root }),
		field(Setting{
			Name: "cache-max", Heading: headingHost, Otherwise: "a tenth of the file system, at most 8 GiB", Example: "4GiB", Where: File | Environment,
			Doc: "The bound of compiled code. What has not been used for the longest time goes first; what a container runs stays.",
		}, size(), func(v *Values) *int64 { return &v.CacheMax }),
		field(Setting{
			Name: "systemd-cgroup", Heading: headingHost, Default: "false", Where: Operators, Alias: "SystemdCgroup",
			Doc: "Control groups are made by systemd. Not needed with a cgroupsPath of the form slice:prefix:name, which is what dockerd, kubelet and containerd write when they are set to systemd.",
		}, boolean(), func(v *Values) *bool { return &v.SystemdCgroup }),
		field(Setting{
			Name: "shim-cgroup", Heading: headingHost, Otherwise: "none", Example: "/system.slice/shims", Where: Operators, Alias: "ShimCgroup",
			Doc: "An existing control group the shim itself is put into; in cgroup v1 in every hierarchy that has it.",
		}, text(), func(v *Values) *string { return &v.ShimCgroup }),
		field(Setting{
			Name: "allow-machine-code", Heading: headingHost, Default: "false", Where: Operators, Alias: "AllowMachineCode",
			Doc: "Modules may be machine code that Wasmtime compiled elsewhere (.cwasm), as files or layers of an image. With it whoever can start a container can run any native code as the container's process, so it is for hosts on which all images are your own. Wasmtime refuses code of another version, or for another processor.",
		}, boolean(), func(v *Values) *bool { return &v.AllowMachineCode }),
		field(Setting{
			Name: "log-level", Heading: headingHost, Otherwise: "`info`, or `debug` if containerd's own level is", Example: "debug", Where: Operators, OfShim: true,
			Doc: "The least that the shim logs. What it logs is in containerd's log.",
		}, choice("trace", "debug", "info", "warn", "error"), func(v *Values) *string { return &v.LogLevel }),
		field(Setting{
			Name: "log-format", Heading: headingHost, Default: "text", Where: Operators, OfShim: true,
			Doc: "Lines of key=value pairs, or of JSON.",
		}, choice("text", "json"), func(v *Values) *string { return &v.LogFormat }),
		field(Setting{
			Name: "metrics", Heading: headingHost, Otherwise: "none", Example: "/run/wasmgo/metrics", Where: Operators, OfShim: true,
			Doc: "A directory in which each shim has a socket that gives figures about it, as Prometheus reads them.",
		}, path(), func(v *Values) *string { return &v.Metrics }),
		field(Setting{
			Name: "config-file", Heading: headingHost, Default: ConfigPath, Where: Environment,
			Doc: "The file of these settings. One that is named must be there; that of the default need not.",
		}, path(), func(*Values) *string { return new(string) }),
		field(Setting{
			Name: "programs", Heading: headingHost, Otherwise: "those inside the installed file", Example: "/src/wasmgo/build/programs", Where: Environment,
			Doc: "A directory with the programs in place of those inside the installed file, for development: make build leaves them in build/programs.",
		}, text(), func(*Values) *string { return new(string) }),
	}
}
