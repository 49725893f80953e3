package cache

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// limits bound one worker.
type limits struct {
	time   time.Duration // from start to end
	memory uint64        // address space, bytes
	output int64         // size of the result, bytes
}

// compileLimits are generous: compiling took 22 times the module's size in memory, and code of 4 times its size, for 30 MiB of
// Ruby. An address space holds far more than what is in use (thread stacks, arenas of the allocator).
func compileLimits(d time.Duration) limits {
	return limits{time: d, memory: 32 << 30, output: 8 << 30}
}

func translateLimits(d time.Duration) limits {
	return limits{time: d, memory: 4 << 30, output: maxFilter}
}

// cpuTime is the processor time a worker may use: all processors for as long as it may run.
func (l limits) cpuTime() time.Duration { return l.time * time.Duration(runtime.NumCPU()) }

const (
	// workerNice lets containers that run already go first.
	workerNice = 10
	// workerOOMScore makes a worker the first to go when memory runs out: it loses nothing but time.
	workerOOMScore = 1000
	workerFiles    = 64
)

// impose sets what a child cannot be born with. The worker reaches its input only afterwards: nothing has been sent yet.
func (l limits) impose(pid int) error {
	seconds := uint64(l.cpuTime()/time.Second) + 1
	for _, r := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"address space", unix.RLIMIT_AS, l.memory},
		{"processor time", unix.RLIMIT_CPU, seconds},
		{"file size", unix.RLIMIT_FSIZE, uint64(l.output)},
		{"open files", unix.RLIMIT_NOFILE, workerFiles},
		{"core size", unix.RLIMIT_CORE, 0},
	} {
		if err := unix.Prlimit(pid, r.resource, &unix.Rlimit{Cur: r.value, Max: r.value}, nil); err != nil && !gone(err) {
			return fmt.Errorf("limit the worker's %s: %w", r.name, err)
		}
	}
	err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", strconv.AppendInt(nil, workerOOMScore, 10), 0)
	if err != nil && !gone(err) {
		return fmt.Errorf("make the worker the first to go without memory: %w", err)
	}
	return nil
}

// gone reports whether err only says that the process has ended already, which its exit status will explain.
func gone(err error) bool { return errors.Is(err, unix.ESRCH) || errors.Is(err, os.ErrNotExist) }
