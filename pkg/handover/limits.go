package handover

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
)

// LimitsVariable is the environment variable in which a worker (runner modes compile and seccomp) finds its Limits.
const LimitsVariable = "WASMGO_LIMITS"

// Limits are the resource limits of a worker. It imposes them on itself before it reads its input: the shim cannot, because
// prlimit(2) on a process of another user takes CAP_SYS_RESOURCE, which root in a container has not got.
type Limits struct {
	Space  uint64 // address space, bytes
	Memory uint64 // of its own that it can write, bytes: RLIMIT_DATA, which leaves out what is only reserved
	CPU    uint64 // processor time, seconds
	Output uint64 // size of a file it writes, bytes
	Files  uint64 // open files
}

// Env is the variable that carries l, as NAME=value.
func (l Limits) Env() (string, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("encode limits: %w", err)
	}
	return LimitsVariable + "=" + string(b), nil
}

// ImposeLimits imposes on this process what LimitsVariable says. Without it there is nothing to do. A limit that is lower
// already stays as it is. There are no core dumps afterwards either.
func ImposeLimits() error {
	value, ok := os.LookupEnv(LimitsVariable)
	if !ok {
		return nil
	}
	var l Limits
	if err := json.Unmarshal([]byte(value), &l); err != nil {
		return fmt.Errorf("decode %s: %w", LimitsVariable, err)
	}
	for _, r := range []struct {
		resource int
		value    uint64
	}{
		{syscall.RLIMIT_AS, l.Space},
		{syscall.RLIMIT_DATA, l.Memory},
		{syscall.RLIMIT_CPU, l.CPU},
		{syscall.RLIMIT_FSIZE, l.Output},
		{syscall.RLIMIT_NOFILE, l.Files},
		{syscall.RLIMIT_CORE, 0},
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(r.resource, &now); err != nil {
			return os.NewSyscallError("getrlimit", err)
		}
		v := min(r.value, now.Max)
		if err := syscall.Setrlimit(r.resource, &syscall.Rlimit{Cur: v, Max: v}); err != nil {
			return os.NewSyscallError("setrlimit", err)
		}
	}
	return nil
}
