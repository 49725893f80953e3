package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// held reports whether the sandbox's init has to be there before its root file system is: where there is a user namespace,
// which no thread of the shim can enter, and where hooks are to see the init before its root changes. It costs one more
// exec. See package nsinit for the other side.
func (b *builder) held() bool {
	if b.ns.has(unix.CLONE_NEWUSER) {
		return true
	}
	h := b.spec.Hooks
	return h != nil && len(prestart(h))+len(h.CreateRuntime)+len(h.CreateContainer) > 0
}

// startHeld forks the init first, builds the sandbox around it on a second thread, and then has it become the runner.
func (p *Process) startHeld(ctx context.Context, b *builder) (g handover.Guest, err error) {
	if err := b.open(); err != nil {
		return g, err
	}
	if err := p.makeGroup(linux(b.spec).Resources); err != nil {
		return g, err
	}
	if err := p.launchInit(b); err != nil {
		return g, err
	}
	// Not the thread that forked: that one is in the control group, whose rules for devices are not meant for what we do.
	t := newThread()
	defer t.end()
	err = t.do(func() error {
		return inOrder(func() error { return b.openUser(p.pid) }, func() error { return b.follow(p.pid) }, b.configure, b.assemble)
	})
	if err != nil {
		return g, err
	}
	if err := p.runCreateHooks(ctx, b); err != nil {
		return g, err
	}
	if err := t.do(b.pivot); err != nil {
		return g, err
	}
	g, code, err := b.guest(ctx)
	if err != nil {
		return g, err
	}
	if code != nil {
		defer code.Close()
	}
	if err := t.do(b.seal); err != nil {
		return g, err
	}
	return g, p.deliver(b.spec.Process, b.c.Program, b.ns.fresh&unix.CLONE_NEWCGROUP != 0, code, b.ttys.slave)
}

// launchInit forks the init on a thread of its own, in the namespaces that are joined and those it makes.
func (p *Process) launchInit(b *builder) error {
	t := newThread()
	defer t.end()
	if err := t.do(b.enter); err != nil {
		return err
	}
	c := child{
		argv:  argv(b.spec.Process.Args),
		env:   []string{"WASMGO_RUNNER=nsinit"},
		stdio: b.c.Stdio,
		attr:  syscall.SysProcAttr{Cloneflags: uintptr(b.ns.fresh & unix.CLONE_NEWPID)},
	}
	if b.c.Terminal {
		c.stdio = [3]*os.File{} // the terminal comes later
	}
	switch l := linux(b.spec); {
	case b.ns.fresh&unix.CLONE_NEWUSER != 0:
		c.attr.Cloneflags = uintptr(b.ns.fresh&^(unix.CLONE_NEWCGROUP|unix.CLONE_NEWTIME) | unix.CLONE_NEWNS) // NEWTIME is no flag of clone(2)
		c.attr.UidMappings = sysMappings(l.UIDMappings)
		c.attr.GidMappings = sysMappings(l.GIDMappings)
		c.attr.GidMappingsEnableSetgroups = true
		// As root of the new namespace: an unmapped user would lose all capabilities in it with the exec.
		c.attr.Credential = &syscall.Credential{}
	case b.ns.has(unix.CLONE_NEWUSER):
		c.env = append(c.env, handover.UserNamespaceEnv+"=1")
		c.files = []*os.File{b.files[unix.CLONE_NEWUSER]}
	}
	return p.launch(t, b, cmp.Or(b.c.Server, b.c.Runner), c)
}

func sysMappings(list []specs.LinuxIDMapping) []syscall.SysProcIDMap {
	var out []syscall.SysProcIDMap
	for _, m := range list {
		out = append(out, syscall.SysProcIDMap{ContainerID: int(m.ContainerID), HostID: int(m.HostID), Size: int(m.Size)})
	}
	return out
}

// follow takes the calling thread into the namespaces of the init, except the user's.
func (b *builder) follow(pid int) error {
	return follow(b.proc, pid, b.ns, unix.CLONE_NEWNS|unix.CLONE_NEWUTS|unix.CLONE_NEWIPC|unix.CLONE_NEWNET)
}

// nsFiles are the names of namespaces below /proc/<pid>/ns.
var nsFiles = map[int]string{
	unix.CLONE_NEWNS:     "mnt",
	unix.CLONE_NEWUTS:    "uts",
	unix.CLONE_NEWIPC:    "ipc",
	unix.CLONE_NEWNET:    "net",
	unix.CLONE_NEWPID:    "pid",
	unix.CLONE_NEWCGROUP: "cgroup",
}

// follow takes the calling thread into those namespaces of a process that are of the given flags and not the host's. Its root
// is then that of the mount namespace.
func follow(proc, pid int, ns namespaces, flags int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	fds := map[int]int{}
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	// All are opened before the first is entered: afterwards /proc is not where it was.
	for flag, name := range nsFiles {
		if flags&flag == 0 || !ns.has(flag) {
			continue
		}
		file := fmt.Sprintf("%d/ns/%s", pid, name)
		fd, err := unix.Openat(proc, file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: "/proc/" + file, Err: err}
		}
		fds[flag] = fd
	}
	for flag, fd := range fds {
		if err := unix.Setns(fd, flag); err != nil {
			return fmt.Errorf("%s namespace of process %d: %w", nsFiles[flag], pid, os.NewSyscallError("setns", err))
		}
	}
	return nil
}

// deliver turns a process in mode nsinit into the runner, which is p, or into another program in its place. Terminal is its terminal or nil.
func (l *living) deliver(p *specs.Process, program string, cgroupNamespace bool, code, terminal *os.File) error {
	c := newCredentials(p)
	birth := handover.Birth{
		Program:         program,
		Argv:            argv(p.Args),
		Env:             runnerEnv,
		UID:             c.uid,
		GID:             c.gid,
		Groups:          c.groups,
		Umask:           c.umask,
		Bounding:        uint64(c.caps.Bounding),
		Inheritable:     uint64(c.caps.Inheritable),
		Ambient:         uint64(c.caps.Ambient),
		NoNewPrivs:      c.noNewPrivs,
		LabelFile:       c.labelFile,
		Label:           c.execLabel,
		CgroupNamespace: cgroupNamespace,
	}
	files := handover.BirthFiles{Code: code, Terminal: terminal}
	if c.execLabel != "" {
		proc, err := os.Open("/proc")
		if err != nil {
			return err
		}
		defer proc.Close()
		files.Proc = proc
	}
	return handover.SendBirth(l.socket, birth, files)
}
