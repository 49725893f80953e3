// Package manifest reads the documents that make up an image, OCI index, manifest and configuration, and says what of the image
// can be run: which of its three shapes it has, which layers are Wasm modules and which are files.
//
//	T  OCI configuration, tar layers                        the module is a file in the root file system
//	L  OCI configuration, Wasm layers, diff_ids without them   the root file system is empty, the modules are the layers
//	A  configuration application/vnd.wasm.config.v0+json    an artifact: Wasm layers, others are files under "/"
//
// All three documents come out of an image, so out of a stranger's hands. What is read here is bounded, typed and checked
// before anybody acts on it; what is wrong with a document is an error that is ErrInvalid. Nothing here touches a disk or a
// socket. The readers are in the shim's short-lived helper (package layers) and in the user's commands (package imagefile),
// never in the shim itself.
package manifest
