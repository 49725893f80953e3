// Package system is what the toolbox needs of the operating system beyond what Go has for WASI 0.1. In a container the runner answers (package
// toolbox/abi); elsewhere, in tests, the system itself does.
package system
