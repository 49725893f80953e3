package cache

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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
	space  uint64        // address space, bytes
	memory uint64        // what can be written of it, bytes
	output int64         // size of the result, bytes
}

// What one compilation may use of memory, in bytes: for itself, for each of its threads, of which it has one for each processor, and
// for each byte of the module. Compiling took 22 times the size of 30 MiB of Ruby, and made code of 4 times its size.
const (
	baseMemory   = 512 << 20
	threadMemory = 16 << 20
	memoryFactor = 64
)

// baseOutput is the size that compiled code may have beyond outputFactor times that of the module, in bytes.
const (
	baseOutput   = 64 << 20
	outputFactor = 64
)

// compileLimits are those of a module of any size: see of. An address space holds far more than what is in use (thread stacks,
// arenas of the allocator).
func compileLimits() limits {
	return limits{
		time: compileTime, cpu: compileTime * time.Duration(runtime.NumCPU()),
		space: 32 << 30, memory: hostMemory() / 4 * 3, output: 8 << 30,
	}
}

func translateLimits() limits {
	return limits{time: translateTime, cpu: translateTime, space: 4 << 30, memory: 1 << 30, output: maxFilter}
}

// of narrows l to what a module of size bytes can need.
func (l limits) of(size int64) limits {
	l.memory = min(l.memory, baseMemory+threadMemory*uint64(runtime.NumCPU())+memoryFactor*uint64(size))
	l.output = min(l.output, baseOutput+outputFactor*size)
	return l
}

// hostMemory is the size of the machine's memory, in bytes.
func hostMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 64 << 30 // cannot happen: sysinfo(2) fails for a bad address alone
	}
	return uint64(info.Totalram) * uint64(info.Unit)
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
		Space:  l.space,
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
