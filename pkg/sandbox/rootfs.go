package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountRoot mounts the root file system where the host has a directory for it, in the new mount namespace only, and opens
// its top as b.root.
func (b *builder) mountRoot() error {
	// From here on nothing that is mounted reaches the host, while what is unmounted there is let go of here too. The
	// sources of bind mounts are copied already, with the propagation they have on the host.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("cut off mount propagation: %w", os.NewSyscallError("mount", err))
	}
	dir := b.c.rootfs()
	if len(b.c.Rootfs) == 0 {
		if err := b.rebind(dir); err != nil {
			return fmt.Errorf("root.path: %w", err)
		}
	}
	for i, m := range b.c.Rootfs {
		if err := b.mountRootfs(m, dir); err != nil {
			return fmt.Errorf("rootfs[%d]: %w", i, err)
		}
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("root.path: %w", &os.PathError{Op: "open", Path: dir, Err: err})
	}
	b.root = fd
	b.maker = maker{root: fd, uid: b.ids.uid(0), gid: b.ids.gid(0)}
	return nil
}

// rebind makes a mount of a directory that is none yet, on itself: pivot_root(2) wants a mount.
func (b *builder) rebind(dir string) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: dir, Err: err}
	}
	defer unix.Close(tree)
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS); err != nil {
		return &os.PathError{Op: "move_mount", Path: dir, Err: err}
	}
	return nil
}

// mountRootfs makes one of containerd's mounts. They are root's own and trusted, dir is a directory of the host.
func (b *builder) mountRootfs(m Mount, dir string) error {
	target := dir
	if m.Target != "" {
		root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: dir, Err: err}
		}
		defer unix.Close(root)
		mk := maker{root: root}
		fd, err := mk.dir(m.Target)
		if err != nil {
			return fmt.Errorf("target: %w", err)
		}
		defer unix.Close(fd)
		target = fmt.Sprintf("/proc/thread-self/fd/%d", fd)
	}
	flags, data, mapped, err := b.rootfsOptions(m.Options)
	if err != nil {
		return err
	}
	if mapped && m.Type != "overlay" {
		// The host's root, who makes the mount points, can make no files on a mapped mount. The upper layer of an overlay is not mapped.
		return notImplemented("rootfs options", "uidmap of a mount of type "+m.Type)
	}
	if isBind(m) {
		rec := uintptr(unix.MS_REC)
		if err := unix.Mount(m.Source, target, "", unix.MS_BIND|rec, ""); err != nil {
			return fmt.Errorf("bind: %w", &os.PathError{Op: "mount", Path: m.Source, Err: err})
		}
		if flags != 0 {
			if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|flags, ""); err != nil {
				return fmt.Errorf("bind: %w", &os.PathError{Op: "remount", Path: m.Source, Err: err})
			}
		}
		return nil
	}
	switch {
	case mapped:
		defer unix.Chdir("/")
		if data, err = b.mapLower(data, target); err != nil {
			return err
		}
	case len(data) >= pageSize-1:
		if data, err = shorten(m.Type, data); err != nil {
			return err
		}
		defer unix.Chdir("/")
	}
	if err := unix.Mount(m.Source, target, m.Type, flags, data); err != nil {
		return fmt.Errorf("mount %s: %w", m.Type, &os.PathError{Op: "mount", Path: m.Source, Err: err})
	}
	return nil
}

// isBind reports whether one of containerd's mounts is a bind mount.
func isBind(m Mount) bool {
	return m.Type == "bind" || m.Type == "rbind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// pageSize is how much mount(2) takes of a file system's options, on every architecture.
const pageSize = 4096

// rootfsFlags are mount(8)'s options that are flags of mount(2).
var rootfsFlags = map[string]uintptr{
	"ro": unix.MS_RDONLY, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC,
	"sync": unix.MS_SYNCHRONOUS, "dirsync": unix.MS_DIRSYNC, "noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME,
	"relatime": unix.MS_RELATIME, "strictatime": unix.MS_STRICTATIME, "lazytime": unix.MS_LAZYTIME,
	"rw": 0, "suid": 0, "dev": 0, "exec": 0, "async": 0, "atime": 0, "diratime": 0, "defaults": 0,
	"rprivate": 0, "private": 0, "rslave": 0, "slave": 0,
}

// rootfsOptions takes the options of one of containerd's mounts apart. Mapped asks for the mappings of the container's user namespace.
func (b *builder) rootfsOptions(list []string) (flags uintptr, data string, mapped bool, err error) {
	var rest []string
	uids, gids := "uidmap="+mappingsText(b.ids.uids), "gidmap="+mappingsText(b.ids.gids)
	for _, o := range list {
		f, known := rootfsFlags[o]
		switch {
		case known:
			flags |= f
		case o == "bind", o == "rbind": // see isBind
		case len(b.ids.uids) > 0 && (o == uids || o == gids):
			mapped = true
		case o == "loop", strings.HasPrefix(o, "uidmap="), strings.HasPrefix(o, "gidmap="):
			return 0, "", false, notImplemented("rootfs options", o)
		default:
			rest = append(rest, o)
		}
	}
	return flags, strings.Join(rest, ","), mapped, nil
}

// shorten makes the lower directories of an overlay fit into a page, by changing to the directory they have in common.
// An image of many layers gets there: each is some 70 bytes.
func shorten(fstype, data string) (string, error) {
	opts := strings.Split(data, ",")
	for i, o := range opts {
		dirs, ok := strings.CutPrefix(o, "lowerdir=")
		if fstype != "overlay" || !ok {
			continue
		}
		lower := strings.Split(dirs, ":")
		common := commonParent(lower)
		for j, d := range lower {
			lower[j] = strings.TrimPrefix(strings.TrimPrefix(d, common), "/")
		}
		opts[i] = "lowerdir=" + strings.Join(lower, ":")
		if err := unix.Chdir(common); err != nil {
			return "", &os.PathError{Op: "chdir", Path: common, Err: err}
		}
	}
	return strings.Join(opts, ","), nil
}
