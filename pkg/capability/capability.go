package capability

import (
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// names by number (include/uapi/linux/capability.h).
var names = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// Mask is a set of capabilities, bit n standing for number n.
type Mask uint64

// Parse makes a set of names like CAP_CHOWN, and returns those it does not know.
func Parse(list []string) (mask Mask, unknown []string) {
	for _, name := range list {
		if i := slices.Index(names, strings.ToUpper(name)); i >= 0 {
			mask |= 1 << i
		} else {
			unknown = append(unknown, name)
		}
	}
	return mask, unknown
}

// Numbers lists the capabilities of the set, lowest first.
func (m Mask) Numbers() []uintptr {
	var list []uintptr
	for i := range uintptr(64) {
		if m&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list
}

// Sets are the sets from which the kernel makes all others when a program is executed: for the root user the bounding
// set becomes the permitted and the effective one, for any other the ambient set does.
type Sets struct {
	Bounding, Inheritable, Ambient Mask
}

// Limit drops what is not in the bounding set and sets the inheritable set of the calling thread. It returns the thread's
// permitted set. It needs CAP_SETPCAP.
func (s Sets) Limit() (permitted Mask, err error) {
	for i := range uintptr(64) {
		if s.Bounding&(1<<i) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, i, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && i > 0 {
			break // the kernel knows no higher one
		}
		if err != nil {
			return 0, os.NewSyscallError("prctl PR_CAPBSET_DROP", err)
		}
	}
	return set(func(permitted Mask) (Mask, Mask) { return permitted, s.Inheritable & permitted })
}

// Raise leaves the calling thread what the next program may have, and sets the ambient set. It is for a thread that has
// changed its user with PR_SET_KEEPCAPS. The bounding set stays permitted: with no_new_privs even the root user does not
// get back what it has once let go of.
func (s Sets) Raise() error {
	had, err := set(func(permitted Mask) (Mask, Mask) {
		ambient := s.Ambient & permitted
		return (s.Bounding | ambient) & permitted, s.Inheritable&permitted | ambient
	})
	if err != nil {
		return err
	}
	for _, i := range (s.Ambient & had).Numbers() {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, i, 0, 0); err != nil {
			return os.NewSyscallError("prctl PR_CAP_AMBIENT_RAISE", err)
		}
	}
	return nil
}

// set changes the permitted (and effective) and the inheritable set to what choose makes of the permitted one, which it
// returns.
func set(choose func(permitted Mask) (effective, inheritable Mask)) (Mask, error) {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	had := Mask(data[0].Permitted) | Mask(data[1].Permitted)<<32
	effective, inheritable := choose(had)
	for i := range data {
		data[i] = unix.CapUserData{
			Effective:   uint32(effective >> (32 * i)),
			Permitted:   uint32(effective >> (32 * i)),
			Inheritable: uint32(inheritable >> (32 * i)),
		}
	}
	if err := unix.Capset(&head, &data[0]); err != nil {
		return 0, os.NewSyscallError("capset", err)
	}
	return had, nil
}
