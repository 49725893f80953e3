// Package image tells what to run: it finds the Wasm module that a container's args[0] names and tells by its first bytes
// whether it can be run at all. docs/entrypoint.md has the rules as users need them.
//
// The container's files are the work of somebody else. So no look-up ever leaves the container's root, nothing but a
// regular file is opened (opening a FIFO or a device can block or set something off), and of the content only a bounded
// part is read here. What is wrong with the module is told as a handover.Refusal, which the container's own stderr
// shows; any other error is the host's.
//
// Shape T (a file in the root file system) is what Find knows. Modules that come as layers of their own (shapes L and A)
// will be found by a second function that takes them from the content store and returns the same Module.
package image
