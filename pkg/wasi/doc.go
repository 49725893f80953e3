// Package wasi is the host of WASI 0.2: everything that a command of the world wasi:cli/command can import, in all versions 0.2.x, for
// one instance of one component.
//
//	host, err := wasi.New(config)
//	defer host.Close()                                       // frees what the guest has not
//	instance, err := program.Instantiate(store, host.Interfaces()...)
//	code, err := wasi.Run(instance)                          // err is a trap; an exit is a code
//
// A folder is a package of WASI, a file in it an interface, in the order of the WIT. Each has two layers: what the operating system does,
// in plain Go with typed errors, and over it, thin, the interface. Nothing here is global or of the process: many instances run at once,
// each with a Host of its own, and paths are looked up from descriptors.
//
//	wasi ─▶ cli, clocks, random, filesystem, sockets ─▶ io ─▶ component/wit
package wasi
