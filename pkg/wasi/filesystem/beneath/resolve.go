package beneath

import (
	"errors"

	"golang.org/x/sys/unix"
)

// maxTries bounds how often a look-up begins again. openat2(2) gives EAGAIN for a path with ".." if anything in the system is renamed
// meanwhile; a guest can see to that.
const maxTries = 64

// lookup opens a checked path, which leads nowhere but below d, or below the directory that d has as its root.
//
// flags are those of openat(2). Without O_NOFOLLOW a link at the end is followed.
func (d *Descriptor) lookup(name string, flags int, mode uint32) (int, error) {
	if d.walks {
		return d.walk(name, flags, mode)
	}
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	if d.root == d {
		how.Resolve = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	}
	for range maxTries {
		fd, err := unix.Openat2(d.file.fd, name, &how)
		switch {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN):
			continue
		case !errors.Is(err, unix.EXDEV):
			return fd, err
		case d.root == nil: // the path leads out
			return -1, unix.EPERM
		}
		break
	}
	return d.walk(name, flags, mode)
}

// hasOpenat2 reports whether this kernel and this process's seccomp filter let openat2(2) pass. A directory can always be opened with
// O_PATH from its own descriptor, so that any error is theirs: ENOSYS, or EPERM where a profile does not know the call.
func hasOpenat2(fd int) bool {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH}
	opened, err := again(func() (int, error) { return unix.Openat2(fd, ".", &how) })
	if err != nil {
		return false
	}
	_ = unix.Close(opened)
	return true
}
