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
	}
}
