// Package content speaks containerd's API for those who need images: the short-lived program that reads a container's layers
// (package layers) and the user's commands. It is the generated gRPC stubs and what every caller would have to write around
// them: namespace, digests, error kinds.
//
// It is not containerd's own client, which brings twice as much code and initialisation into every start of a container
// whose module is a layer. It must not get into the shim, which has no gRPC at all.
package content
