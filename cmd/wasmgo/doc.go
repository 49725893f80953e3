// Command wasmgo is what a person gets of the shim: `containerd-shim-wasmgo-v1 cache ls` and the like. The installed program is
// a launcher that executes this one, with its own name as argv[0], for what is neither start nor delete.
//
// It is also the shim's hand for short work that needs heavy libraries, grpc among them (see jobs.go): a shim has none of them.
//
//	main.go     one of the jobs of the shim, or the commands of a person
//	root.go     what all commands have in common: settings, exit codes
//	jobs.go     the programs the shim starts; no command-line library is in their way
//	NAME.go     a group of commands: cache, image, precompile (with watch.go and bar.go)
package main
