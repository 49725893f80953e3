package sandbox

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/containerd/log"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/capability"
)

// defaultUmask is what a container has if process.user.umask does not say, as with other runtimes.
const defaultUmask = 0o022

// credentials are what the runner is born with besides its namespaces: who it is and what it may.
type credentials struct {
	uid, gid   uint32
	groups     []uint32
	umask      int
	caps       capability.Sets
	noNewPrivs bool
	// execLabel is written to the file labelFile below /proc to take effect at the next execve; "" is none.
	labelFile, execLabel string
	labelName            string // the field of the spec, for errors
}

func newCredentials(p *specs.Process) credentials {
	c := credentials{uid: p.User.UID, gid: p.User.GID, groups: p.User.AdditionalGids, umask: defaultUmask, noNewPrivs: p.NoNewPrivileges}
	if p.User.Umask != nil {
		c.umask = int(*p.User.Umask & 0o777)
	}
	if caps := p.Capabilities; caps != nil {
		permitted, _ := capability.Parse(caps.Permitted)
		c.caps.Bounding, _ = capability.Parse(caps.Bounding)
		c.caps.Inheritable, _ = capability.Parse(caps.Inheritable)
		c.caps.Ambient, _ = capability.Parse(caps.Ambient)
		c.caps.Ambient &= c.caps.Inheritable & permitted
	}
	c.labelFile, c.execLabel, c.labelName = execLabel(p)
	return c
}

// warnCapabilities logs names that are not known, as the spec asks.
func warnCapabilities(ctx context.Context, caps *specs.LinuxCapabilities) {
	if caps == nil {
		return
	}
	names := slices.Concat(caps.Bounding, caps.Effective, caps.Inheritable, caps.Permitted, caps.Ambient)
	if _, unknown := capability.Parse(names); len(unknown) > 0 {
		slices.Sort(unknown)
		log.G(ctx).Warnf("process.capabilities: not known and left out: %s", strings.Join(slices.Compact(unknown), ", "))
	}
}

// apply changes the calling thread so that what it executes has these credentials; attr does, after the fork, what would
// take away the privileges that the fork itself needs.
func (c credentials) apply(proc int, attr *syscall.SysProcAttr) error {
	unix.Umask(c.umask)
	if c.execLabel != "" {
		if err := writeProc(proc, c.labelFile, c.execLabel); err != nil {
			return fmt.Errorf("%s: %w", c.labelName, err)
		}
	}
	if c.noNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("process.noNewPrivileges: %w", os.NewSyscallError("prctl", err))
		}
	}
	had, err := c.caps.Limit()
	if err != nil {
		return fmt.Errorf("process.capabilities: %w", err)
	}
	attr.Credential = &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: c.groups}
	attr.AmbientCaps = (c.caps.Ambient & had).Numbers()
	return nil
}

const (
	apparmorDir = "/sys/kernel/security/apparmor"
	selinuxDir  = "/sys/fs/selinux"
)

// execLabel is the file below /proc and the text that give the next program its label, and the field that asks for it.
func execLabel(p *specs.Process) (file, text, field string) {
	switch {
	case p.SelinuxLabel != "":
		return "thread-self/attr/exec", p.SelinuxLabel, fmt.Sprintf("process.selinuxLabel %q", p.SelinuxLabel)
	case confined(p):
		// The kernel says "no such file" of a profile that it does not have.
		return apparmorFile(), "exec " + p.ApparmorProfile, fmt.Sprintf("process.apparmorProfile %q (apparmor_parser loads profiles)", p.ApparmorProfile)
	}
	return "", "", ""
}

// apparmorFile is the file below /proc that takes an AppArmor label. It is found out by Check: a thread that is in the sandbox has no
// /proc to look at.
var apparmorFile = sync.OnceValue(func() string {
	const file = "thread-self/attr/apparmor/exec" // Linux 5.8; before, and without other modules, attr/exec is AppArmor's
	if _, err := os.Stat("/proc/" + file); err != nil {
		return "thread-self/attr/exec"
	}
	return file
})

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
	if confined(s.Process) {
		apparmorFile()
	}
	return nil
}
