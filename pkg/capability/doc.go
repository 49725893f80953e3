// Package capability changes the capability sets of the calling thread (capabilities(7)). Both halves need it: the sandbox's
// thread before it forks the runner, and the process that becomes the runner inside a user namespace.
//
// It gives no thread more than it has. What is asked for beyond that is left out, as runtime-spec has it: "Runtimes SHOULD
// NOT fail if the container configuration requests capabilities that cannot be granted".
package capability
