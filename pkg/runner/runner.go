package runner

import (
	"fmt"
	"os"
	"runtime/debug"

	"wasmgo/pkg/engine"
)

// codeInternal is the exit code when the runner itself is at fault, as docker gives it for its own errors.
const codeInternal = 125

// Main is the whole program. It returns the exit code, or does not return when the guest ends the process. h is nil for a program without
// HTTP.
func Main(h HTTP) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			complain(fmt.Sprintf("internal error, please report it: %v\n%s", fault, debug.Stack()))
			code = codeInternal
		}
	}()
	switch mode := os.Getenv("WASMGO_RUNNER"); mode {
	case "guest":
		return runGuest(h)
	case "compile":
		return runCompile(h, os.Stdin, os.Stdout)
	case "compile-interruptible":
		return runCompile(h, os.Stdin, os.Stdout, engine.Interruptible)
	case "compile-recycled":
		return runCompile(h, os.Stdin, os.Stdout, engine.Interruptible, engine.Recycled)
	case "seccomp":
		return runSeccomp(os.Stdin, os.Stdout)
	case "fingerprint":
		fmt.Println(engine.Fingerprint())
		return 0
	case "nsinit":
		complain(NSInit().Error())
		return codeInternal
	default:
		complain(fmt.Sprintf("wasmgo-runner is started by containerd-shim-wasmgo-v1, not by hand (WASMGO_RUNNER=%q)", mode))
		return codeInternal
	}
}

// complain writes one message for the user on the standard error. There is nobody to tell if that fails.
func complain(message string) {
	_, _ = os.Stderr.WriteString("wasmgo: " + message + "\n")
}
