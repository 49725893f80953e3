// Package bundle reads what containerd says about a container, once, into one typed struct: config.json (the OCI runtime
// specification), the runtime options that come with Create, and wasmgo's own settings, which are annotations
// io.containerd.wasmgo.<key> or variables WASMGO_<KEY>. It also keeps exit.json, the exit status that outlives the shim.
//
//	containerd's bundle directory
//	├── config.json    written by containerd, read by Load
//	├── address        the shim's socket, written by pkg/shim, read by its delete
//	├── exit.json      written by WriteExit just before TaskExit, read by ReadExit in delete
//	├── sandbox.json   pkg/sandbox's own
//	└── rootfs/        an empty directory: the root file system is mounted in the container's namespace only
//
// An annotation, variable or option that is not known is an error that names it: a setting that is misspelt and passed
// over is found in production.
package bundle
