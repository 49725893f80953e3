// Package layers is the program `wasmgo layers`: it reads the layers of a container's image out of containerd for the shim, which
// speaks no gRPC, and ends.
//
//	shim                                   wasmgo layers                        containerd
//	----                                   -------------                        ----------
//	args[0] is no file of the container
//	connects to containerd
//	exec, Query on stdin, connection  ───▶ which image? (whose.go)       ────▶  container, image
//	as descriptor 3                        which manifest? (resolve.go)  ────▶  index, manifest
//	                                       which layer? (choose.go)
//	                                       keeps it so (record)          ────▶  label of the container
//	module by digest, files by title  ◀─── Answer on stdout
//	compiled code by that digest: there
//	else: exec, Query.Fetch,
//	files as descriptors 4 …          ───▶ copies, checks the digests    ────▶  layers
//
// Nothing of a layer is in the memory of either. The documents are a stranger's (package manifest). Faults of the image
// are a Refusal in the answer, so the outcome of the container; faults of the host, content that is missing among them, are
// this program's error, which fails the container's creation.
package layers
