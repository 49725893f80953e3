// Package abi is what the toolbox asks of its runner beyond WASI 0.1, which knows neither owners and modes of files nor sockets, processes and
// signals. Both sides import it: package toolbox/system asks, package toolbox/host answers.
//
//	(import "wasmgo_toolbox" "call" (func (param i32 i32 i32 i32 i32 i32) (result i32)))
//
//	call(operation, question, its length, room for the answer, its length, where the answer's length goes) → errno of WASI
//
// Question and answer are numbers of 8 bytes, little endian, and strings, each after its length. An answer that there is no room for is
// errno overflow. Only the module that this program carries itself is given the import, and the sandbox is the same with and without
// it: the runner makes the system calls that a native program in the container would make.
package abi
