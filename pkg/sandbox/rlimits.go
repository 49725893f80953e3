package sandbox

import (
	"errors"
	"fmt"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// rlimits by name (getrlimit(2)).
var rlimits = map[string]int{
	"RLIMIT_AS":         unix.RLIMIT_AS,
	"RLIMIT_CORE":       unix.RLIMIT_CORE,
	"RLIMIT_CPU":        unix.RLIMIT_CPU,
	"RLIMIT_DATA":       unix.RLIMIT_DATA,
	"RLIMIT_FSIZE":      unix.RLIMIT_FSIZE,
	"RLIMIT_LOCKS":      unix.RLIMIT_LOCKS,
	"RLIMIT_MEMLOCK":    unix.RLIMIT_MEMLOCK,
	"RLIMIT_MSGQUEUE":   unix.RLIMIT_MSGQUEUE,
	"RLIMIT_NICE":       unix.RLIMIT_NICE,
	"RLIMIT_NOFILE":     unix.RLIMIT_NOFILE,
	"RLIMIT_NPROC":      unix.RLIMIT_NPROC,
	"RLIMIT_RSS":        unix.RLIMIT_RSS,
	"RLIMIT_RTPRIO":     unix.RLIMIT_RTPRIO,
	"RLIMIT_RTTIME":     unix.RLIMIT_RTTIME,
	"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING,
	"RLIMIT_STACK":      unix.RLIMIT_STACK,
}

// checkRlimits refuses what is no limit.
func checkRlimits(list []specs.POSIXRlimit) error {
	seen := map[string]bool{}
	for i, l := range list {
		field := fmt.Sprintf("process.rlimits[%d]", i)
		_, known := rlimits[l.Type]
		switch {
		case !known:
			return invalid(field+".type", "%q is no resource limit", l.Type)
		case seen[l.Type]:
			return invalid(field+".type", "%q stands there twice", l.Type)
		case l.Soft > l.Hard:
			return invalid(field+".soft", "%d is above the hard limit %d", l.Soft, l.Hard)
		}
		seen[l.Type] = true
	}
	return nil
}

// setRlimits gives a runner its limits. They are the process's and not the thread's, so it cannot be born with them.
func setRlimits(pid int, p *specs.Process, ids idMaps) error {
	for i, l := range p.Rlimits {
		err := unix.Prlimit(pid, rlimits[l.Type], &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil)
		if errors.Is(err, unix.EPERM) {
			err = prlimitAs(ids.uid(p.User.UID), ids.gid(p.User.GID), pid, l)
		}
		if err != nil {
			return fmt.Errorf("process.rlimits[%d]: %s: %w", i, l.Type, os.NewSyscallError("prlimit", err))
		}
	}
	return nil
}

// prlimitAs sets a limit as the runner's own user. A root without CAP_SYS_RESOURCE, as there is inside of containers,
// may not set another user's limits; that user may lower them.
func prlimitAs(user, group, pid int, l specs.POSIXRlimit) error {
	uid, gid := uintptr(user), uintptr(group)
	t := newThread()
	defer t.end()
	return t.do(func() error {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
			return errno
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
			return errno
		}
		return unix.Prlimit(pid, rlimits[l.Type], &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil)
	})
}
