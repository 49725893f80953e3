// Package sockets is wasi:sockets: TCP, UDP and name lookups in the network namespace of the container. What the operating system does
// is package inet; here is what guests see of it, a file for each interface, in the order of the WIT.
//
// There is one network, and a guest that has a handle to it may do whatever its namespace and the [inet.Policy] allow. What the policy
// denies is access-denied from the function that would make the resource.
//
// A socket must be dropped after its streams and pollables, and a stream after its pollables; the other way round is a trap, as it is
// with Wasmtime.
package sockets
