package settings

// What shares a shim.
const (
	// ShimPerPod: the containers of a pod; every other container has its own.
	ShimPerPod = "pod"
	// ShimPerNamespace: all containers and pods of a containerd namespace.
	ShimPerNamespace = "namespace"
)

func shimTable() []Setting {
	return []Setting{
		field(Setting{
			Name: "shim-per", Heading: headingHost, Default: ShimPerPod, Where: Operators,
			Doc: "What shares a shim: the containers of a pod, while every other container has its own (pod), or all containers and pods of a containerd namespace (namespace). A shared shim takes less memory and starts containers sooner; if it is killed, all of its containers are. The annotation group wins.",
		}, choice(ShimPerPod, ShimPerNamespace), func(v *Values) *string { return &v.ShimPer }),
		field(Setting{
			Name: "native", Heading: headingHost, Default: "on", Where: Operators,
			Doc: "Whether a container whose entrypoint is a Linux program or a script is handed to containerd-shim-runc-v2, which runs it as any other. Off refuses it: this runtime then runs nothing but WebAssembly.",
		}, off(), func(v *Values) *bool { return &v.NoNative }),
	}
}
