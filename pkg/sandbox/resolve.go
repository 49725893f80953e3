package sandbox

import (
	"errors"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links a path may lead through, as in the kernel (path_resolution(7)).
const maxLinks = 40

// maxRenames is how often a path is tried again when somebody renamed a directory of the system in the meantime (EAGAIN).
// Somebody who does nothing else gets the error.
const maxRenames = 1000

// openIn opens name below root with root as its "/": absolute links and ".." stay inside, /proc's magic links are refused.
// The kernel holds this even while somebody changes the tree (openat2(2), RESOLVE_IN_ROOT, Linux 5.6).
func openIn(root int, name string, flags uint64) (int, error) {
	if name == "" {
		name = "/"
	}
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	var fd int
	var err error
	for range maxRenames {
		fd, err = unix.Openat2(root, name, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	if err != nil {
		return -1, &os.PathError{Op: "openat2", Path: name, Err: err}
	}
	return fd, nil
}

// maker makes what is missing below a root file system.
type maker struct {
	root     int
	uid, gid int // of what is made
	links    int
}

// dir opens the directory name, and makes it and those above it where they are missing. Links are followed inside of root,
// also dangling ones: a rootfs with /var/run → /run and no /run is an ordinary image.
func (m *maker) dir(name string) (int, error) {
	return m.ensure(name, func(parent int, base string) error {
		if err := unix.Mkdirat(parent, base, 0o755); err != nil {
			return &os.PathError{Op: "mkdirat", Path: name, Err: err}
		}
		return m.own(parent, base)
	})
}

// file opens (O_PATH) the file name, and makes an empty one, and the directories above it, where it is missing.
func (m *maker) file(name string) (int, error) {
	return m.ensure(name, func(parent int, base string) error {
		fd, err := unix.Openat(parent, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return &os.PathError{Op: "openat", Path: name, Err: err}
		}
		if err := unix.Close(fd); err != nil {
			return &os.PathError{Op: "close", Path: name, Err: err}
		}
		return m.own(parent, base)
	})
}

// own gives what was just made to the root of the container's user namespace.
func (m *maker) own(parent int, base string) error {
	if m.uid == 0 && m.gid == 0 {
		return nil
	}
	if err := unix.Fchownat(parent, base, m.uid, m.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "fchownat", Path: base, Err: err}
	}
	return nil
}

// ensure opens name (O_PATH); if it is not there, create makes it, in the opened directory above it.
func (m *maker) ensure(name string, create func(parent int, base string) error) (int, error) {
	fd, err := openIn(m.root, name, unix.O_PATH)
	if err == nil || !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	above, base := path.Split(strings.TrimRight(name, "/"))
	if base == "" {
		return -1, err
	}
	parent, err := m.dir(above)
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	if base != "." && base != ".." {
		err = create(parent, base)
		if errors.Is(err, unix.EEXIST) {
			err = m.followDangling(parent, above, base, create)
		}
		if err != nil {
			return -1, err
		}
	}
	return openIn(m.root, name, unix.O_PATH)
}

// followDangling makes what the link base in parent points to. It is no error if base is not a link: somebody else has made
// it in the meantime.
func (m *maker) followDangling(parent int, above, base string, create func(int, string) error) error {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(parent, base, buf)
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "readlinkat", Path: path.Join(above, base), Err: err}
	}
	if m.links++; m.links > maxLinks {
		return &os.PathError{Op: "readlinkat", Path: path.Join(above, base), Err: unix.ELOOP}
	}
	target := string(buf[:n])
	if !path.IsAbs(target) {
		target = above + "/" + target // not path.Join: ".." after a link is the kernel's business
	}
	fd, err := m.ensure(target, create)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
