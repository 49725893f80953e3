package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// mountPlan is one entry of the spec's mounts on its way into the root file system.
type mountPlan struct {
	specs.Mount
	options
	field string // for messages
	tree  int    // detached mount of a bind's source, -1 if there is none yet
	isDir bool   // what tree is
}

// planMounts decides what is to be mounted. Mounts of proc and sysfs are not: see passedOver.
func planMounts(list []specs.Mount) []*mountPlan {
	var plans []*mountPlan
	for i, m := range list {
		p := &mountPlan{Mount: m, options: parseOptions(m.Options), field: fmt.Sprintf("mounts[%d]", i), tree: -1}
		p.bind = p.bind || m.Type == "bind" || m.Type == "rbind"
		p.recursive = p.recursive || m.Type == "rbind"
		p.Destination = path.Clean("/" + m.Destination)
		if !p.passedOver() {
			plans = append(plans, p)
		}
	}
	return plans
}

// passedOver tells a mount that means nothing for Wasm, or harm: a guest that could open /proc/self/mem for writing would
// write the memory of its own engine, outside of the sandbox that Wasm is. WASI programs use neither /proc nor /sys.
func (p *mountPlan) passedOver() bool {
	switch p.Type {
	case "proc", "sysfs", "cgroup", "cgroup2":
		return !p.bind
	}
	return !p.bind && kernelPath(p.Destination)
}

// kernelPath reports whether a path is /proc, /sys or below.
func kernelPath(p string) bool {
	for _, top := range []string{"/proc", "/sys"} {
		if p == top || strings.HasPrefix(p, top+"/") {
			return true
		}
	}
	return false
}

// openSource makes a detached copy of a bind mount's source, which is a path of the host. It is done before the thread
// leaves the host's mount namespace: then a shared source stays in its peer group, and a mount namespace that
// belongs to a user namespace does not lock what is below it together.
func (p *mountPlan) openSource(bundle string) error {
	if !p.bind || p.remount {
		return nil
	}
	source := p.Source
	if !filepath.IsAbs(source) {
		source = filepath.Join(bundle, source)
	}
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if p.recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, flags)
	if err != nil {
		return fmt.Errorf("%s.source: %w", p.field, &os.PathError{Op: "open_tree", Path: source, Err: err})
	}
	p.tree = fd
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s.source: %w", p.field, &os.PathError{Op: "fstat", Path: source, Err: err})
	}
	p.isDir = st.Mode&unix.S_IFMT == unix.S_IFDIR
	return nil
}

// close closes the source.
func (p *mountPlan) close() {
	if p.tree >= 0 {
		unix.Close(p.tree)
		p.tree = -1
	}
}

// kernelSource reports whether the source lies on a file system that is a view of the kernel.
func (p *mountPlan) kernelSource() (proc, kernel bool, err error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(p.tree, &st); err != nil {
		return false, false, fmt.Errorf("%s.source: %w", p.field, os.NewSyscallError("fstatfs", err))
	}
	switch st.Type {
	case unix.PROC_SUPER_MAGIC:
		return true, true, nil
	case unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC:
		return false, true, nil
	}
	return false, false, nil
}

// mountBind puts the copy of the source in its place.
func (b *builder) mountBind(p *mountPlan) error {
	proc, kernel, err := p.kernelSource()
	if err != nil {
		return err
	}
	if kernel && kernelPath(p.Destination) {
		return nil
	}
	if proc {
		p.set |= unix.MOUNT_ATTR_RDONLY
		p.clear &^= unix.MOUNT_ATTR_RDONLY
	}
	if p.propagation == 0 {
		p.propagation, p.recursivePropagation = b.inherited(), true
	}
	if mapsIDs(p.Mount, p.options) {
		if err := b.mapIDs(p.tree, p.idmapAll); err != nil {
			return fmt.Errorf("%s.uidMappings: %w", p.field, err)
		}
	}
	if err := p.setAttributes(p.tree); err != nil {
		return err
	}
	make := b.maker.file
	if p.isDir {
		make = b.maker.dir
	}
	target, err := make(p.Destination)
	if err != nil {
		return fmt.Errorf("%s.destination: %w", p.field, err)
	}
	defer unix.Close(target)
	var st unix.Stat_t
	if err := unix.Fstat(target, &st); err != nil {
		return fmt.Errorf("%s.destination: %w", p.field, os.NewSyscallError("fstat", err))
	}
	// The kernel says just EINVAL.
	switch targetIsDir := st.Mode&unix.S_IFMT == unix.S_IFDIR; {
	case p.isDir && !targetIsDir:
		return fmt.Errorf("%s.destination: %w", p.field, &os.PathError{Op: "mount a directory on", Path: p.Destination, Err: unix.ENOTDIR})
	case !p.isDir && targetIsDir:
		return fmt.Errorf("%s.destination: %w", p.field, &os.PathError{Op: "mount a file on", Path: p.Destination, Err: unix.EISDIR})
	}
	return p.attach(p.tree, target)
}

// inherited is the propagation of a bind mount for which the spec does not say: that of the root file system, by which it
// follows the host and gives nothing back unless asked for. A source that the host does not share stays as it is.
func (b *builder) inherited() uint64 {
	switch p := b.spread(); p {
	case unix.MS_SHARED:
		return 0
	case unix.MS_UNBINDABLE:
		return unix.MS_PRIVATE
	default:
		return p
	}
}

// attach hangs a detached mount on the directory or file target.
func (p *mountPlan) attach(tree, target int) error {
	err := unix.MoveMount(tree, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("%s: %w", p.field, &os.PathError{Op: "move_mount", Path: p.Destination, Err: err})
	}
	return nil
}

// setAttributes changes flags and propagation of a mount that is open as tree.
func (p *mountPlan) setAttributes(tree int) error {
	steps := []struct {
		flags uint
		attr  unix.MountAttr
	}{
		{unix.AT_RECURSIVE, unix.MountAttr{Attr_set: p.setAll, Attr_clr: p.clearAll}},
		{0, unix.MountAttr{Attr_set: p.set, Attr_clr: p.clear}},
		{0, unix.MountAttr{Propagation: p.propagation}},
	}
	if p.recursivePropagation {
		steps[2].flags = unix.AT_RECURSIVE
	}
	if steps[1].flags == steps[2].flags {
		steps[1].attr.Propagation = p.propagation
		steps[2].attr.Propagation = 0
	}
	for _, s := range steps {
		if s.attr == (unix.MountAttr{}) {
			continue
		}
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|s.flags, &s.attr); err != nil {
			return fmt.Errorf("%s.options: %w", p.field, os.NewSyscallError("mount_setattr", err))
		}
	}
	return nil
}

// mountNew makes a file system (tmpfs, devpts, mqueue …) and puts it in its place. fill, if not nil, is called with the
// file system before it can be seen.
func (b *builder) mountNew(p *mountPlan, fill func(top int) error) error {
	tree, err := b.newFilesystem(p, fill != nil)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	target, err := b.maker.dir(p.Destination)
	if err != nil {
		return fmt.Errorf("%s.destination: %w", p.field, err)
	}
	defer unix.Close(target)
	if err := b.giveAway(p, tree); err != nil {
		return err
	}
	if fill != nil {
		if err := fill(tree); err != nil {
			return err
		}
	}
	late := options{propagation: p.propagation, recursivePropagation: p.recursivePropagation}
	if fill != nil && p.set&unix.MOUNT_ATTR_RDONLY != 0 {
		late.set = unix.MOUNT_ATTR_RDONLY
	}
	p.options = late
	if err := p.setAttributes(tree); err != nil {
		return err
	}
	return p.attach(tree, target)
}

// giveAway makes the container's root the owner of a file system that the host's root made. A tmpfs is born with its owner:
// see ownData.
func (b *builder) giveAway(p *mountPlan, tree int) error {
	if len(b.ids.uids) == 0 || p.Type == "tmpfs" {
		return nil
	}
	names := []string{""}
	if p.Type == "devpts" {
		names = append(names, "ptmx")
	}
	for _, name := range names {
		if err := unix.Fchownat(tree, name, b.ids.uid(0), b.ids.gid(0), unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("%s: %w", p.field, &os.PathError{Op: "fchownat", Path: p.Destination, Err: err})
		}
	}
	return nil
}

// newFilesystem makes a file system of the plan's type, mounted nowhere yet. If it is to be filled it is writable at first.
func (b *builder) newFilesystem(p *mountPlan, fillable bool) (int, error) {
	fs, err := unix.Fsopen(p.Type, unix.FSOPEN_CLOEXEC)
	if err != nil {
		if errors.Is(err, unix.ENODEV) {
			return -1, invalid(p.field+".type", "this kernel has no file system %q", p.Type)
		}
		return -1, fmt.Errorf("%s.type: %w", p.field, &os.PathError{Op: "fsopen", Path: p.Type, Err: err})
	}
	defer unix.Close(fs)
	if p.Source != "" {
		if err := unix.FsconfigSetString(fs, "source", p.Source); err != nil {
			return -1, fmt.Errorf("%s.source: %w", p.field, fsError(fs, err))
		}
	}
	for _, opt := range b.ownData(p) {
		key, value, hasValue := strings.Cut(opt, "=")
		if hasValue {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return -1, fmt.Errorf("%s.options: %s: %w", p.field, opt, fsError(fs, err))
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("%s: make %s: %w", p.field, p.Type, fsError(fs, err))
	}
	attrs := p.set | p.setAll
	if fillable {
		attrs &^= unix.MOUNT_ATTR_RDONLY
	}
	tree, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(attrs))
	if err != nil {
		return -1, fmt.Errorf("%s: mount %s: %w", p.field, p.Type, fsError(fs, err))
	}
	return tree, nil
}

// fsError adds what the file system has to say for itself to an error of one of the fs* calls.
func fsError(fs int, err error) error {
	buf := make([]byte, 1024)
	n, readErr := unix.Read(fs, buf)
	if readErr != nil || n <= 2 {
		return err
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(string(buf[2:n])), err) // "e message"
}

// remount changes a mount that is there already, or the root file system itself.
func (b *builder) remount(p *mountPlan) error {
	target, err := openIn(b.root, p.Destination, unix.O_PATH)
	if err != nil {
		return fmt.Errorf("%s.destination: %w", p.field, err)
	}
	defer unix.Close(target)
	return p.setAttributes(target)
}
