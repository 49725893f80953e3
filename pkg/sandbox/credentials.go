package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// defaultUmask is what a container has if process.user.umask does not say, as with other runtimes.
const defaultUmask = 0o022

// capabilities by number (include/uapi/linux/capability.h).
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// capabilityMask turns names into a bit set. Names that are not known are passed over, as the spec asks.
func capabilityMask(names []string) uint64 {
	var mask uint64
	for _, name := range names {
		if i := slices.Index(capabilities, strings.ToUpper(name)); i >= 0 {
			mask |= 1 << i
		}
	}
	return mask
}

// credentials are what the runner is born with besides its namespaces: who it is and what it may.
type credentials struct {
	uid, gid uint32
	groups   []uint32
	umask    int
	// The kernel makes the other sets of these when the runner is executed: all of bounding for the root user, ambient
	// for any other (capabilities(7), "Transformation of capabilities during execve").
	bounding, inheritable, ambient uint64
	noNewPrivs                     bool
	// execLabel is written to the file labelFile below /proc to take effect at the next execve; "" is none.
	labelFile, execLabel string
}

func newCredentials(p *specs.Process) credentials {
	c := credentials{uid: p.User.UID, gid: p.User.GID, groups: p.User.AdditionalGids, umask: defaultUmask, noNewPrivs: p.NoNewPrivileges}
	if p.User.Umask != nil {
		c.umask = int(*p.User.Umask & 0o777)
	}
	if caps := p.Capabilities; caps != nil {
		c.bounding = capabilityMask(caps.Bounding)
		c.inheritable = capabilityMask(caps.Inheritable)
		c.ambient = capabilityMask(caps.Ambient) & c.inheritable & capabilityMask(caps.Permitted)
	}
	c.labelFile, c.execLabel = execLabel(p)
	return c
}

// apply changes the calling thread so that what it executes has these credentials; attr does, after the fork, what would
// take away the privileges that the fork itself needs.
func (c credentials) apply(b *builder, attr *syscall.SysProcAttr) error {
	unix.Umask(c.umask)
	if c.execLabel != "" {
		if err := b.writeProc(c.labelFile, c.execLabel); err != nil {
			return fmt.Errorf("label: %w", err)
		}
	}
	if c.noNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("process.noNewPrivileges: %w", os.NewSyscallError("prctl", err))
		}
	}
	had, err := c.limit()
	if err != nil {
		return fmt.Errorf("process.capabilities: %w", err)
	}
	attr.Credential = &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: c.groups}
	for i := range capabilities {
		if c.ambient&had&(1<<i) != 0 {
			attr.AmbientCaps = append(attr.AmbientCaps, uintptr(i))
		}
	}
	return nil
}

// limit drops what is not in the bounding set and sets the inheritable set. It returns the calling thread's permitted set,
// beyond which nothing can be given.
func (c credentials) limit() (permitted uint64, err error) {
	for i := range 64 {
		if c.bounding&(1<<i) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(i), 0, 0, 0); err == unix.EINVAL && i > 0 {
			break // the kernel knows no higher one
		} else if err != nil {
			return 0, os.NewSyscallError("prctl PR_CAPBSET_DROP", err)
		}
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	permitted = uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
	inheritable := c.inheritable & permitted
	data[0].Inheritable, data[1].Inheritable = uint32(inheritable), uint32(inheritable>>32)
	if err := unix.Capset(&head, &data[0]); err != nil {
		return 0, os.NewSyscallError("capset", err)
	}
	return permitted, nil
}

const (
	apparmorDir = "/sys/kernel/security/apparmor"
	selinuxDir  = "/sys/fs/selinux"
)

// execLabel is the file below /proc and the text that give the next program its label.
func execLabel(p *specs.Process) (file, text string) {
	switch {
	case p.SelinuxLabel != "":
		return "thread-self/attr/exec", p.SelinuxLabel
	case confined(p):
		file := "thread-self/attr/apparmor/exec" // Linux 5.8; before, and without other modules, attr/exec is AppArmor's
		if _, err := os.Stat("/proc/" + file); err != nil {
			file = "thread-self/attr/exec"
		}
		return file, "exec " + p.ApparmorProfile
	}
	return "", ""
}

// confined reports whether an AppArmor profile is asked for.
func confined(p *specs.Process) bool {
	return p.ApparmorProfile != "" && p.ApparmorProfile != "unconfined"
}

// checkLabels refuses labels that this kernel cannot give.
func checkLabels(s *specs.Spec) error {
	_, noApparmor := os.Stat(apparmorDir)
	_, noSelinux := os.Stat(selinuxDir)
	switch {
	case confined(s.Process) && noApparmor != nil:
		return notImplemented("process.apparmorProfile", "AppArmor in this kernel")
	case s.Process.SelinuxLabel != "" && noSelinux != nil:
		return notImplemented("process.selinuxLabel", "SELinux in this kernel")
	case linux(s).MountLabel != "" && noSelinux != nil:
		return notImplemented("linux.mountLabel", "SELinux in this kernel")
	}
	return nil
}
