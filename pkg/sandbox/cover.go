package sandbox

import (
	"fmt"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// coverPaths hides linux.maskedPaths and makes linux.readonlyPaths read-only. Those in /proc and /sys, which is all that
// containerd and Docker put there, are passed over: there is nothing to hide.
func (b *builder) coverPaths() error {
	l := linux(b.spec)
	for i, name := range l.ReadonlyPaths {
		if err := b.cover(name, b.readonlyCopy); err != nil {
			return fmt.Errorf("linux.readonlyPaths[%d]: %w", i, err)
		}
	}
	for i, name := range l.MaskedPaths {
		if err := b.cover(name, b.mask); err != nil {
			return fmt.Errorf("linux.maskedPaths[%d]: %w", i, err)
		}
	}
	return nil
}

// cover mounts what with makes of the opened path on top of it.
func (b *builder) cover(name string, with func(target int) (int, error)) error {
	if kernelPath(name) {
		return nil
	}
	target, err := openIn(b.root, name, unix.O_PATH)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(target)
	tree, err := with(target)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := unix.MoveMount(tree, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return &os.PathError{Op: "move_mount", Path: name, Err: err}
	}
	return nil
}

// readonlyCopy is the same file or tree again, read-only with all that is mounted in it.
func (b *builder) readonlyCopy(target int) (int, error) {
	tree, err := unix.OpenTree(target, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("open_tree", err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		unix.Close(tree)
		return -1, os.NewSyscallError("mount_setattr", err)
	}
	return tree, nil
}

// mask is an empty directory in place of a directory, and the null device in place of anything else.
func (b *builder) mask(target int) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(target, &st); err != nil {
		return -1, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return b.newFilesystem(&mountPlan{
			Mount:   specs.Mount{Type: "tmpfs", Source: "tmpfs"},
			options: parseOptions([]string{"ro", "nosuid", "nodev", "noexec", "size=4k", "mode=755"}),
			field:   "mask",
		}, false)
	}
	null, err := openIn(b.root, "/dev/null", unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(null)
	tree, err := unix.OpenTree(null, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("open_tree", err)
	}
	return tree, nil
}
