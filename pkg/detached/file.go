package detached

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenFile opens the regular file path for reading, on a read-only mount of its own: so not even its owner can change its mode, its times
// or its attributes through the descriptor, as one that is opened for reading otherwise allows. It is close-on-exec; the caller closes it. What is no
// regular file is an error, and nothing is waited for.
//
// There is no plain way as Open has one: what this is for can do without, and not with less.
func OpenFile(path string) (*os.File, error) {
	mount, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, &os.PathError{Op: "open_tree", Path: path, Err: err}
	}
	defer unix.Close(mount)
	err = unix.MountSetattr(mount, "", unix.AT_EMPTY_PATH, &unix.MountAttr{
		Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
	})
	if err != nil {
		return nil, &os.PathError{Op: "mount_setattr", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(mount, &st); err != nil {
		return nil, &os.PathError{Op: "fstat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &os.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	// The link leads to the file on that mount; openat(2) has no way to open what a descriptor of a mount is itself.
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(mount), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("by its descriptor: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	return os.NewFile(uintptr(fd), path), nil
}

var errNotRegular = errors.New("not a regular file")
