package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// builder assembles the sandbox around the thread that calls it. Its methods from enter on run on that thread.
type builder struct {
	c      *Config
	spec   *specs.Spec
	ns     namespaces
	ids    idMaps
	mounts []*mountPlan
	files  map[int]*os.File // namespaces to join
	proc   int              // O_PATH of the host's /proc
	root   int              // O_PATH of the container's "/", once it is mounted
	maker  maker
	ttys   terminal
}

func newBuilder(c *Config) (*builder, error) {
	l := linux(c.Spec)
	ns, err := newNamespaces(l.Namespaces)
	if err != nil {
		return nil, err
	}
	b := &builder{c: c, spec: c.Spec, ns: ns, mounts: planMounts(c.Spec.Mounts), proc: -1, root: -1}
	if ns.has(unix.CLONE_NEWUSER) {
		b.ids = idMaps{l.UIDMappings, l.GIDMappings}
	}
	return b, nil
}

// open opens what of the host is needed when the host is out of sight.
func (b *builder) open() (err error) {
	if b.files, err = b.ns.open(); err != nil {
		return err
	}
	if b.proc, err = unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	for _, m := range b.mounts {
		if err := m.openSource(b.c.Bundle); err != nil {
			return err
		}
	}
	return nil
}

// close closes what is still open. It may be called at any stage, after the thread is done.
func (b *builder) close() {
	for _, f := range b.files {
		f.Close()
	}
	for _, m := range b.mounts {
		m.close()
	}
	for _, fd := range []*int{&b.proc, &b.root} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	b.ttys.close()
}

// enter takes the thread into the sandbox's namespaces.
func (b *builder) enter() error {
	if b.c.Terminal && !b.hasDevpts() {
		if err := b.ttys.openHost(); err != nil {
			return err
		}
	}
	return b.ns.enter(b.files, linux(b.spec).TimeOffsets)
}

// configure sets what belongs to the namespaces the thread is in.
func (b *builder) configure() error {
	unix.Umask(0) // the modes of what is made are meant as they stand; the runner's own umask is set later
	if err := setNames(b.spec); err != nil {
		return err
	}
	if b.ns.fresh&unix.CLONE_NEWNET != 0 {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	return b.setSysctls()
}

// assemble puts the root file system together.
func (b *builder) assemble() error {
	if err := b.mountRoot(); err != nil {
		return err
	}
	return b.fillRoot()
}

// fillRoot makes the mounts and devices below the root file system.
func (b *builder) fillRoot() error {
	ownDev := b.ownsDev()
	if ownDev && !slices.ContainsFunc(b.mounts, func(p *mountPlan) bool { return p.Destination == "/dev" }) {
		b.mounts = slices.Insert(b.mounts, 0, defaultDev())
	}
	for _, p := range b.mounts {
		if err := b.mount(p); err != nil {
			return err
		}
	}
	if ownDev {
		if err := b.makeDevices(); err != nil {
			return err
		}
	}
	if err := b.openTerminal(ownDev); err != nil {
		return err
	}
	if err := b.coverPaths(); err != nil {
		return err
	}
	if err := b.makeCwd(); err != nil {
		return err
	}
	return nil
}

// mount does one of the spec's mounts.
func (b *builder) mount(p *mountPlan) error {
	defer p.close()
	switch {
	case p.remount:
		return b.remount(p)
	case p.bind:
		return b.mountBind(p)
	case p.Destination == "/dev" && b.ownsDev():
		return b.mountNew(p, b.fillDev)
	default:
		return b.mountNew(p, nil)
	}
}

// makeCwd makes the guest's working directory where it is missing.
func (b *builder) makeCwd() error {
	fd, err := b.maker.dir(b.spec.Process.Cwd)
	if err != nil {
		return fmt.Errorf("process.cwd: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("process.cwd: %w", os.NewSyscallError("fstat", err))
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("process.cwd: %w", &os.PathError{Op: "chdir", Path: b.spec.Process.Cwd, Err: unix.ENOTDIR})
	}
	return nil
}

// seal makes the root file system read-only where that is asked for. It comes after Config.Guest, which may put files of the image
// there.
func (b *builder) seal() error {
	if !b.spec.Root.Readonly {
		return nil
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(b.root, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fmt.Errorf("root.readonly: %w", os.NewSyscallError("mount_setattr", err))
	}
	return nil
}

// pivot makes the root file system the "/" of the mount namespace and lets go of the host's tree.
func (b *builder) pivot() error {
	if err := unix.Fchdir(b.root); err != nil {
		return fmt.Errorf("change root: %w", os.NewSyscallError("fchdir", err))
	}
	// The old root comes to lie on top of the new one, where it can be let go of without a directory of its own.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change root: %w", os.NewSyscallError("pivot_root", err))
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("change root: %w", os.NewSyscallError("umount2", err))
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("change root: %w", os.NewSyscallError("chdir", err))
	}
	if p := b.spread(); p != unix.MS_SLAVE {
		if err := unix.MountSetattr(b.root, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Propagation: p}); err != nil {
			return fmt.Errorf("linux.rootfsPropagation: %w", os.NewSyscallError("mount_setattr", err))
		}
	}
	return b.guardProc()
}

// spread is the propagation asked for the root file system: the mount(2) flag, MS_SLAVE if nothing is asked.
func (b *builder) spread() uint64 {
	return rootPropagation[linux(b.spec).RootfsPropagation]
}

// rootPropagation are the values of linux.rootfsPropagation.
var rootPropagation = map[string]uint64{
	"":            unix.MS_SLAVE,
	"slave":       unix.MS_SLAVE,
	"rslave":      unix.MS_SLAVE,
	"private":     unix.MS_PRIVATE,
	"rprivate":    unix.MS_PRIVATE,
	"shared":      unix.MS_SHARED,
	"rshared":     unix.MS_SHARED,
	"unbindable":  unix.MS_UNBINDABLE,
	"runbindable": unix.MS_UNBINDABLE,
}

// isMissing reports whether a path is not there, in one of the two ways a path can be missing.
func isMissing(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR)
}

// dupRoot opens the container's "/" once more, for somebody outside of the sandbox.
func (b *builder) dupRoot() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(b.root), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "/"), nil
}
