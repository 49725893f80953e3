package settings

import "wasmgo/pkg/handover"

// Values are what holds for one container, or, without one, for the host. A zero value of a container's setting is its default, which the
// runner knows.
type Values struct {
	// Root is the directory of the unpacked programs and of compiled code.
	Root string
	// CacheMax bounds compiled code, in bytes; 0 is left to package cache.
	CacheMax int64
	// SystemdCgroup has control groups of containers made by systemd.
	SystemdCgroup bool
	// ShimCgroup is the control group the shim itself is put into, "" for none.
	ShimCgroup string
	// ShimPer is what shares a shim: ShimPerPod or ShimPerNamespace.
	ShimPer string
	// NoNative refuses containers of native programs.
	NoNative bool
	// AllowMachineCode lets modules be machine code that Wasmtime compiled elsewhere. Whoever can make a container can then run any
	// code as the container's process, which is otherwise kept from that by its engine.
	AllowMachineCode bool
	// LogLevel is the least that the shim logs, "" for what containerd asks of it.
	LogLevel string
	// LogFormat is "text" or "json".
	LogFormat string
	// Metrics is the directory of the shims' sockets for figures about themselves, "" for none.
	Metrics string

	// Group names the containers that share a shim. "" leaves it to the annotations of CRI and of containerd-shim-runc-v2.
	Group string
	// Deny is what a component may not have of the container's network.
	Deny handover.Deny
	// HTTP is how a component is served that serves HTTP.
	HTTP handover.HTTP
	// NoToolbox has an exec find only what is in the container.
	NoToolbox bool
	// HostCertificates is which bundle of certificates of the host's is for a component whose container has none: "" for the first one that
	// is there, CertificatesOff for none, or the absolute path of one.
	HostCertificates string
	// Config is what is set of wasi:config.
	Config map[string]string
	// Keyvalue is where the buckets of wasi:keyvalue are.
	Keyvalue handover.Keyvalue
	// LoggingLevel is the least of wasi:logging that is written, "" for all.
	LoggingLevel string
}
