package runner

import (
	"cmp"
	"slices"

	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data (seccomp(2)). Loads are of 32 bits; the low half of an argument comes first on the
// little-endian machines we run on.
const (
	dataNumber  = 0
	dataArch    = 4
	dataArg0Low = 16
)

// rule is one system call that does not simply pass.
type rule struct {
	number uint32
	errno  unix.Errno
	// unless, if set, are bits of the first argument that let the call pass when all of them are set and none of forbidden is.
	unless, forbidden uint32
}

// denied is what no runner needs once its guest is to be loaded, and what a guest that has broken out of Wasm would want:
// another program, another process's memory, another namespace or root, the kernel's own doors. The container's seccomp
// profile comes on top; this holds without one and in privileged containers. docs/entrypoint.md has it for users.
var denied = append([]rule{
	// Other programs and processes. A runner is one process with threads.
	{number: unix.SYS_EXECVE},
	{number: unix.SYS_EXECVEAT},
	{number: unix.SYS_CLONE, unless: unix.CLONE_THREAD, forbidden: namespaces},
	// glibc falls back to clone, whose flags a filter can see; those of clone3 lie in memory.
	{number: unix.SYS_CLONE3, errno: unix.ENOSYS},
	{number: unix.SYS_PTRACE},
	{number: unix.SYS_PROCESS_VM_READV},
	{number: unix.SYS_PROCESS_VM_WRITEV},
	{number: unix.SYS_PROCESS_MADVISE},
	{number: unix.SYS_KCMP},
	{number: unix.SYS_PIDFD_GETFD},
	// Other namespaces, roots and mounts.
	{number: unix.SYS_UNSHARE},
	{number: unix.SYS_SETNS},
	{number: unix.SYS_CHROOT},
	{number: unix.SYS_PIVOT_ROOT},
	{number: unix.SYS_MOUNT},
	{number: unix.SYS_UMOUNT2},
	{number: unix.SYS_OPEN_TREE},
	{number: unix.SYS_MOVE_MOUNT},
	{number: unix.SYS_FSOPEN},
	{number: unix.SYS_FSCONFIG},
	{number: unix.SYS_FSMOUNT},
	{number: unix.SYS_FSPICK},
	{number: unix.SYS_MOUNT_SETATTR},
	{number: unix.SYS_OPEN_TREE_ATTR},
	// Files by handle reach around the mount namespace (CVE-2014-9357 and its kind); device nodes around the device cgroup.
	{number: unix.SYS_OPEN_BY_HANDLE_AT},
	{number: unix.SYS_NAME_TO_HANDLE_AT},
	{number: unix.SYS_MKNODAT},
	// Other credentials: those of the exec are the last.
	{number: unix.SYS_SETUID},
	{number: unix.SYS_SETGID},
	{number: unix.SYS_SETREUID},
	{number: unix.SYS_SETREGID},
	{number: unix.SYS_SETRESUID},
	{number: unix.SYS_SETRESGID},
	{number: unix.SYS_SETGROUPS},
	{number: unix.SYS_SETFSUID},
	{number: unix.SYS_SETFSGID},
	{number: unix.SYS_CAPSET},
	// The directory with the compiled code comes with a lock of the cache's; another would hold up other containers.
	{number: unix.SYS_FLOCK},
	// Large kernel interfaces with a history.
	{number: unix.SYS_BPF},
	{number: unix.SYS_PERF_EVENT_OPEN},
	{number: unix.SYS_USERFAULTFD},
	{number: unix.SYS_IO_URING_SETUP},
	{number: unix.SYS_IO_URING_ENTER},
	{number: unix.SYS_IO_URING_REGISTER},
	{number: unix.SYS_KEYCTL},
	{number: unix.SYS_ADD_KEY},
	{number: unix.SYS_REQUEST_KEY},
	{number: unix.SYS_FANOTIFY_INIT},
	{number: unix.SYS_QUOTACTL},
	{number: unix.SYS_QUOTACTL_FD},
	// The machine's own state.
	{number: unix.SYS_KEXEC_LOAD},
	{number: unix.SYS_KEXEC_FILE_LOAD},
	{number: unix.SYS_REBOOT},
	{number: unix.SYS_INIT_MODULE},
	{number: unix.SYS_FINIT_MODULE},
	{number: unix.SYS_DELETE_MODULE},
	{number: unix.SYS_SWAPON},
	{number: unix.SYS_SWAPOFF},
	{number: unix.SYS_ACCT},
	{number: unix.SYS_SYSLOG},
	{number: unix.SYS_SETTIMEOFDAY},
	{number: unix.SYS_CLOCK_SETTIME},
	{number: unix.SYS_CLOCK_ADJTIME},
	{number: unix.SYS_ADJTIMEX},
	{number: unix.SYS_SETHOSTNAME},
	{number: unix.SYS_SETDOMAINNAME},
	{number: unix.SYS_VHANGUP},
	{number: unix.SYS_PERSONALITY},
}, deniedByArch...)

const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWTIME

// assemble makes the program that lets every call pass but the ruled ones. Calls by another architecture's numbers, which
// would pass under a number of ours, do not exist.
func assemble(rules []rule) []unix.SockFilter {
	p := []unix.SockFilter{
		load(dataArch),
		skipIf(unix.BPF_JEQ, auditArch, 1, 0),
		give(unix.ENOSYS),
		load(dataNumber),
	}
	if foreignNumbers != 0 {
		p = append(p, skipIf(unix.BPF_JGE, foreignNumbers, 0, 1), give(unix.ENOSYS))
	}
	sorted := slices.SortedFunc(slices.Values(rules), func(a, b rule) int { return cmp.Compare(a.number, b.number) })
	return append(p, tree(sorted)...)
}

// tree decides by halves: newer kernels work out beforehand what a filter says to each call, older ones run it for each.
func tree(sorted []rule) []unix.SockFilter {
	const few = 4
	if len(sorted) > few {
		middle := len(sorted) / 2
		low, high := tree(sorted[:middle]), tree(sorted[middle:])
		return slices.Concat([]unix.SockFilter{skipIf(unix.BPF_JGE, sorted[middle].number, uint8(len(low)), 0)}, low, high)
	}
	var p []unix.SockFilter
	for _, r := range sorted {
		p = append(p, r.assemble()...)
	}
	return append(p, statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW))
}

// assemble gives the rule's answer if the loaded number is the rule's, and goes on if not.
func (r rule) assemble() []unix.SockFilter {
	errno := r.errno
	if errno == 0 {
		errno = unix.EPERM
	}
	if r.unless == 0 {
		return []unix.SockFilter{skipIf(unix.BPF_JEQ, r.number, 0, 1), give(errno)}
	}
	return []unix.SockFilter{
		skipIf(unix.BPF_JEQ, r.number, 0, 7),
		load(dataArg0Low),
		statement(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, r.unless),
		skipIf(unix.BPF_JEQ, r.unless, 0, 3),
		load(dataArg0Low),
		skipIf(unix.BPF_JSET, r.forbidden, 1, 0),
		statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW),
		give(errno),
	}
}

// allowOnly makes the program under which only the given calls pass and all others are EPERM.
func allowOnly(numbers []uint32) []unix.SockFilter {
	p := []unix.SockFilter{
		load(dataArch),
		skipIf(unix.BPF_JEQ, auditArch, 1, 0),
		give(unix.ENOSYS),
		load(dataNumber),
	}
	for _, n := range numbers {
		p = append(p, skipIf(unix.BPF_JEQ, n, 0, 1), statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW))
	}
	return append(p,
		// As above: glibc asks for clone3 first and takes clone only when told it does not exist.
		skipIf(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), give(unix.ENOSYS),
		skipIf(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4),
		load(dataArg0Low),
		skipIf(unix.BPF_JSET, namespaces, 2, 0),
		skipIf(unix.BPF_JSET, unix.CLONE_THREAD, 0, 1),
		statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW),
		give(unix.EPERM),
	)
}

func statement(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func load(offset uint32) unix.SockFilter {
	return statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset)
}

func give(errno unix.Errno) unix.SockFilter {
	return statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ERRNO|uint32(errno))
}

// skipIf jumps over then instructions if the comparison holds, over otherwise if not.
func skipIf(comparison uint16, k uint32, then, otherwise uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | comparison, K: k, Jt: then, Jf: otherwise}
}
