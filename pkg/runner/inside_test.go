package runner

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// inside are functions that need a process of their own, since what they do to it cannot be undone. What they find wrong they
// write on the standard error.
var inside = map[string]func() int{
	"denied":  tryDenied,
	"profile": tryProfile,
	"abort":   tryAbort,
	"panic":   tryPanic,
	// Not called: it keeps all of the runner's code in the test binary. The tests run a runner of its own, and Go would take
	// their results from its cache if nothing that changed in it were in here.
	"main": func() int { return Main(nil) },
}

// attempt is a system call with arguments that make it harmless if it is not stopped.
type attempt struct {
	name       string
	number     uintptr
	a0, a1, a2 uintptr
	want       unix.Errno
}

func (a attempt) try() string {
	_, _, errno := unix.RawSyscall(a.number, a.a0, a.a1, a.a2)
	if errno != a.want {
		return fmt.Sprintf("%s: %v, want %v\n", a.name, errno, a.want)
	}
	return ""
}

const bad = ^uintptr(0) // no address, no descriptor, no flags

// tryDenied installs the runner's own filter and asks the kernel, from this and from another thread.
func tryDenied() int {
	if err := confine(assemble(denied), nil); err != nil {
		return report(err.Error())
	}
	attempts := []attempt{
		{"execve", unix.SYS_EXECVE, bad, bad, bad, unix.EPERM},
		{"clone3", unix.SYS_CLONE3, bad, bad, bad, unix.ENOSYS},
		{"clone of a process", unix.SYS_CLONE, unix.CLONE_PIDFD | unix.CLONE_DETACHED, 0, bad, unix.EPERM},
		{"clone of a thread in a new namespace", unix.SYS_CLONE, unix.CLONE_THREAD | unix.CLONE_NEWNET, 0, 0, unix.EPERM},
		{"unshare", unix.SYS_UNSHARE, bad, 0, 0, unix.EPERM},
		{"setns", unix.SYS_SETNS, bad, 0, 0, unix.EPERM},
		{"ptrace", unix.SYS_PTRACE, bad, bad, 0, unix.EPERM},
		{"bpf", unix.SYS_BPF, bad, 0, 0, unix.EPERM},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, 0, 0, 0, unix.EPERM},
		{"keyctl", unix.SYS_KEYCTL, bad, 0, 0, unix.EPERM},
		{"userfaultfd", unix.SYS_USERFAULTFD, bad, 0, 0, unix.EPERM},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, bad, 0, bad, unix.EPERM},
		{"flock", unix.SYS_FLOCK, bad, bad, 0, unix.EPERM},
		{"getppid, which nothing forbids", unix.SYS_GETPPID, 0, 0, 0, 0},
	}
	found := ""
	for _, a := range attempts {
		found += a.try()
	}
	other := make(chan string)
	go func() {
		text := ""
		for _, a := range attempts {
			text += a.try()
		}
		other <- text
	}()
	return report(found + <-other)
}

// tryProfile installs a translated profile and checks each kind of rule.
func tryProfile() int {
	errno := func(n uint) *uint { return &n }
	filter, err := translate(&specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Architectures: []specs.Arch{nativeArch},
		Flags:         []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog},
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"no_such_call_ever", "getppid"}, Action: specs.ActErrno},
			{Names: []string{"getpgid"}, Action: specs.ActErrno, ErrnoRet: errno(uint(unix.EXDEV))},
			{Names: []string{"getsid"}, Action: specs.ActAllow}, // the default: changes nothing
			{Names: []string{"getpriority"}, Action: specs.ActErrno, ErrnoRet: errno(uint(unix.EDOM)), Args: []specs.LinuxSeccompArg{
				{Index: 0, Value: unix.PRIO_PGRP, Op: specs.OpEqualTo}, {Index: 1, Value: 0, Op: specs.OpEqualTo},
			}},
			{Names: []string{"dup3"}, Action: specs.ActErrno, ErrnoRet: errno(uint(unix.EDOM)), Args: []specs.LinuxSeccompArg{
				{Index: 2, Value: 0x10, Op: specs.OpEqualTo}, {Index: 2, Value: 0x20, Op: specs.OpEqualTo},
			}},
			{Names: []string{"lseek"}, Action: specs.ActErrno, ErrnoRet: errno(uint(unix.EDOM)), Args: []specs.LinuxSeccompArg{
				{Index: 1, Value: 0xf0, ValueTwo: 0x30, Op: specs.OpMaskedEqual},
			}},
		},
	})
	if err != nil {
		return report(err.Error())
	}
	program, err := exported(filter)
	if err != nil {
		return report(err.Error())
	}
	if err := confine(assemble(denied), [][]byte{program}); err != nil {
		return report(err.Error())
	}
	found := ""
	for _, a := range []attempt{
		{"a call of unknown and known names", unix.SYS_GETPPID, 0, 0, 0, unix.EPERM},
		{"an errno of its own", unix.SYS_GETPGID, 0, 0, 0, unix.EXDEV},
		{"the default", unix.SYS_GETSID, 0, 0, 0, 0},
		{"two arguments, both right", unix.SYS_GETPRIORITY, unix.PRIO_PGRP, 0, 0, unix.EDOM},
		{"two arguments, one right", unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0, 0},
		{"one argument, first alternative", unix.SYS_DUP3, bad, bad, 0x10, unix.EDOM},
		{"one argument, second alternative", unix.SYS_DUP3, bad, bad, 0x20, unix.EDOM},
		{"one argument, no alternative", unix.SYS_DUP3, bad, bad, 0x40, unix.EINVAL},
		{"masked, equal", unix.SYS_LSEEK, bad, 0x3f, 0, unix.EDOM},
		{"masked, not equal", unix.SYS_LSEEK, bad, 0x4f, 0, unix.EBADF},
		{"our own filter beside it", unix.SYS_UNSHARE, bad, 0, 0, unix.EPERM},
	} {
		found += a.try()
	}
	return report(found)
}

// tryAbort does what a panic inside Wasmtime ends with.
func tryAbort() int {
	catchSignals()
	if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGABRT); err != nil {
		return report(err.Error())
	}
	return 0
}

// report writes what was found and returns the exit code for it.
func report(found string) int {
	if found == "" {
		return 0
	}
	fmt.Fprintln(os.Stderr, found)
	return 1
}

// bytesOf is a program as it lies in memory.
func bytesOf(program []unix.SockFilter) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&program[0])), len(program)*instruction)
}
