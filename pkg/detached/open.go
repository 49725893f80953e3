package detached

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open returns a descriptor of the directory dir, as a read-only, nosuid, nodev, exec mount of its own. It is close-on-exec;
// the caller closes it.
//
// On a kernel or under a privilege that cannot do this the descriptor is the plain directory (O_PATH), with the flags
// of the mount it lies on: open_tree(2) is in Linux 5.2 and needs CAP_SYS_ADMIN, mount_setattr(2) is in Linux 5.12.
func Open(dir string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return plain(dir)
	case err != nil:
		return nil, &os.PathError{Op: "open_tree", Path: dir, Err: err}
	}
	f := os.NewFile(uintptr(fd), dir)
	err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV,
		Attr_clr: unix.MOUNT_ATTR_NOEXEC,
	})
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, errors.Join(&os.PathError{Op: "mount_setattr", Path: dir, Err: err}, f.Close())
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(&os.PathError{Op: "fstat", Path: dir, Err: err}, f.Close())
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, unix.ENOTDIR), f.Close())
	}
	return f, nil
}

func plain(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}
