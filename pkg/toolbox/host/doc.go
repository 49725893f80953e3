// Package host answers what the toolbox asks of its runner (package abi): system calls of the process in the sandbox, which a native program in the
// container could make as well. It belongs to the goroutine that runs the guest.
package host
