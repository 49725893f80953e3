package cache

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"wasmgo/pkg/handover"
)

const (
	// compileTime bounds one compilation. 30 MiB took 14 s on two processors.
	compileTime = 10 * time.Minute
	// translateTime bounds a translation that takes milliseconds, on a host that swaps.
	translateTime = time.Minute
)

// limits bound one worker.
type limits struct {
	time   time.Duration // from start to end
	cpu    time.Duration // on all processors together
	memory uint64        // address space, bytes
	output int64         // size of the result, bytes
}

// compileLimits are generous: compiling took 22 times the module's size in memory, and code of 4 times its size, for 30 MiB of
// Ruby. An address space holds far more than what is in use (thread stacks, arenas of the allocator).
func compileLimits() limits {
	return limits{time: compileTime, cpu: compileTime * time.Duration(runtime.NumCPU()), memory: 32 << 30, output: 8 << 30}
}

func translateLimits() limits {
	return limits{time: translateTime, cpu: translateTime, memory: 4 << 30, output: maxFilter}
}

const (
	// workerNice lets containers that run already go first; somebody waits for the result all the same.
	workerNice = 5
	// workerOOMScore makes a worker the first to go when memory runs out: it loses nothing but time.
	workerOOMScore = 1000
	workerFiles    = 64
)

// env is the variable that tells a worker to impose l on itself.
func (l limits) env() (string, error) {
	return handover.Limits{
		Memory: l.memory,
		CPU:    uint64(l.cpu / time.Second),
		Output: uint64(l.output),
		Files:  workerFiles,
	}.Env()
}

// expendable makes the process pid the first to go when memory runs out.
func expendable(pid int) error {
	err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", strconv.AppendInt(nil, workerOOMScore, 10), 0)
	if err != nil && !gone(err) {
		return fmt.Errorf("make the worker the first to go without memory: %w", err)
	}
	return nil
}

// gone reports whether err only says that the process has ended already, which its exit status will explain.
func gone(err error) bool { return errors.Is(err, syscall.ESRCH) || errors.Is(err, os.ErrNotExist) }
