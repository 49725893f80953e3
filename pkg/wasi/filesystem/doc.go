// Package filesystem is wasi:filesystem: files and directories below those that a guest is given, its preopens.
//
//	types.go        the types of the interface wasi:filesystem/types, in the order of its WIT
//	descriptor.go   the resource descriptor
//	data.go         its reads, which go straight into the guest's memory, and its streams
//	directory.go    the resource directory-entry-stream
//	errors.go       error-code, which errors of the system are which, and filesystem-error-code
//	preopens.go     the interface wasi:filesystem/preopens
//
// What is done to the operating system is in package beneath, which knows nothing of Wasm; here it is only told to guests. Streams are
// those of package io.
package filesystem
