package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// Exit codes of the workers.
const (
	workDone       = 0
	inputFault     = 1 // the standard error has one message for the input's author; another try would give the same
	workerFault    = 2 // the standard error has one message for whoever runs the shim
	componentFault = 3 // as inputFault, of a component; another version of the runner may see it otherwise
)

// maxInput bounds what a worker reads, in bytes.
const maxInput = 1 << 30

// workerCalls are the system calls of a process that computes: memory, threads, time, and reading and writing what is open.
// The workers need no files, processes or network, and hostile input finds none.
var workerCalls = append([]uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_LSEEK, unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_STATX, unix.SYS_FCNTL, unix.SYS_IOCTL,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_BRK, unix.SYS_MEMBARRIER,
	unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_TGKILL, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_PRCTL,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETRANDOM,
	unix.SYS_RESTART_SYSCALL, // the kernel's own, when a wait goes on after the process was stopped or frozen
	// Go's runtime starts its poller with the first timer, which on a slow machine or with a large module is its own.
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
	// The image of a module's memory, which compiling prepares as if the module were to be run.
	unix.SYS_MEMFD_CREATE, unix.SYS_FTRUNCATE, unix.SYS_PWRITE64,
}, workerCallsByArch...)

// runCompile is mode compile.
func runCompile(h HTTP, in io.Reader, out io.Writer, options ...engine.Option) int {
	if err := handover.ImposeLimits(); err != nil {
		return blame(workerFault, err)
	}
	if err := confine(allowOnly(workerCalls), nil); err != nil {
		return blame(workerFault, err)
	}
	module, err := readAll(in)
	if err != nil {
		return blame(workerFault, err)
	}
	module, err = engine.Binary(module)
	switch {
	case err != nil:
		return blame(inputFault, err)
	case binary.IsComponent(module):
		return split(h, module, out)
	default:
		return compile(module, out, options)
	}
}

// compile writes a core module's machine code.
func compile(module []byte, out io.Writer, options []engine.Option) int {
	e, err := engine.New(options...)
	if err != nil {
		return blame(workerFault, err)
	}
	code, err := e.Compile(module)
	if err != nil {
		return blame(inputFault, err)
	}
	if _, err := out.Write(code); err != nil {
		return blame(workerFault, fmt.Errorf("write compiled code: %w", err))
	}
	return workDone
}

// split checks a component and writes it in parts.
func split(h HTTP, file []byte, out io.Writer) int {
	p, err := component.Load(file, nil)
	if err != nil {
		return blame(componentFault, fmt.Errorf("it is no valid component: %w", err))
	}
	interfaces, err := provided(h)
	if err != nil {
		return blame(workerFault, err)
	}
	if text := unprovided(p.Check(interfaces...)); text != "" {
		return blame(componentFault, errors.New(text))
	}
	skeleton, modules := p.Split(file)
	if err := handover.WriteSplit(out, needs(p, modules), skeleton, modules); err != nil {
		return blame(workerFault, err)
	}
	return workDone
}

// runSeccomp is mode seccomp.
func runSeccomp(in io.Reader, out *os.File) int {
	if err := handover.ImposeLimits(); err != nil {
		return blame(workerFault, err)
	}
	// libseccomp asks the kernel which actions it knows.
	if err := confine(allowOnly(append([]uint32{unix.SYS_SECCOMP}, workerCalls...)), nil); err != nil {
		return blame(workerFault, err)
	}
	text, err := readAll(in)
	if err != nil {
		return blame(workerFault, err)
	}
	var profile specs.LinuxSeccomp
	if err := json.Unmarshal(text, &profile); err != nil {
		return blame(inputFault, fmt.Errorf("decode the profile: %w", err))
	}
	filter, err := translate(&profile)
	if err != nil {
		return blame(inputFault, err)
	}
	defer filter.Release()
	if err := filter.ExportBPF(out); err != nil {
		return blame(workerFault, fmt.Errorf("write the program: %w", err))
	}
	return workDone
}

func readAll(in io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("read the input: more than %d bytes", maxInput)
	}
	return b, nil
}

// blame writes a worker's one message, which its parent shows, and returns the code.
func blame(code int, err error) int {
	_, _ = os.Stderr.WriteString(err.Error() + "\n")
	return code
}
