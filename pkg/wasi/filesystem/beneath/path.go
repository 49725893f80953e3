package beneath

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// check refuses what is no path for WASI, before the kernel sees it.
func check(name string) error {
	switch {
	case name == "":
		return unix.ENOENT
	case name[0] == '/':
		return unix.EPERM
	case len(name) >= unix.PathMax:
		return unix.ENAMETOOLONG
	case strings.IndexByte(name, 0) >= 0:
		return unix.EINVAL
	}
	return nil
}

// split takes a checked path apart: the directory ("." for the one it starts from), the name in it, and whether slashes follow,
// which demand that the name be a directory's.
func split(name string) (dir, base string, slash bool) {
	base = strings.TrimRight(name, "/")
	slash = len(base) < len(name)
	i := strings.LastIndexByte(base, '/')
	if i < 0 {
		return ".", base, slash
	}
	return base[:i], base[i+1:], slash
}

// single reports whether a checked path is just the name of a child (or "."): no lookup of it can leave the directory, if links are not
// followed.
func single(name string) bool { return name != ".." && strings.IndexByte(name, '/') < 0 }

// A place is where a name is or is to be: the directory, already looked up, and the name in it. System calls that take a place do not
// follow a link there.
type place struct {
	dir   int
	base  string // never empty, without a slash
	slash bool   // the path ended in a slash
	owned bool   // dir is the place's own
}

func (p *place) close() {
	if p.owned {
		_ = unix.Close(p.dir)
	}
}

// place looks up all of a path but its last name.
func (d *Descriptor) place(name string) (place, error) {
	if err := d.searchable(); err != nil {
		return place{}, err
	}
	if err := check(name); err != nil {
		return place{}, err
	}
	dir, base, slash := split(name)
	p := place{dir: d.file.fd, base: base, slash: slash}
	if base == ".." {
		// Of these system calls none looks a ".." up; but whether there is such a place is a matter of the path.
		fd, err := d.lookup(name, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return place{}, err
		}
		_ = unix.Close(fd)
	}
	if dir == "." {
		return p, nil
	}
	var err error
	p.dir, err = d.lookup(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	p.owned = true
	return p, err
}

// target is place of what name leads to: while there is a link, of the link's target.
func (d *Descriptor) target(name string) (place, error) {
	p, err := d.place(name)
	for links := 0; err == nil; links++ {
		to, linkErr := readlink(p.dir, p.base)
		if linkErr != nil { // EINVAL: no link. What else there is the caller will find.
			return p, nil
		}
		p.close()
		if links == maxLinks {
			return place{}, unix.ELOOP
		}
		dir, _, slash := split(name)
		switch {
		case to[0] != '/':
			name = dir + "/" + to
		case d.root == nil:
			return place{}, unix.EPERM
		default:
			d = d.root
			if name = strings.TrimLeft(to, "/"); name == "" {
				name = "."
			}
		}
		if slash {
			name += "/"
		}
		p, err = d.place(name)
	}
	return place{}, err
}

// directory refuses a place whose path ended in a slash unless a directory is there.
func (p *place) directory() error {
	if !p.slash {
		return nil
	}
	var st unix.Stat_t
	if err := fstatat(p.dir, p.base, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	return nil
}

// fresh refuses a place whose path ended in a slash, for something that is to be made there and will be no directory.
func (p *place) fresh() error {
	if !p.slash {
		return nil
	}
	var st unix.Stat_t
	if err := fstatat(p.dir, p.base, &st); err != nil {
		return err // ENOENT, too: Linux has it so
	}
	return unix.EEXIST
}

// readlink is what a link says; never empty.
func readlink(dir int, base string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := again(func() (int, error) { return unix.Readlinkat(dir, base, buf) })
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", unix.ENOENT
	}
	return string(buf[:n]), nil
}

func fstatat(dir int, base string, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstatat(dir, base, st, unix.AT_SYMLINK_NOFOLLOW) })
}

// retry does again what a signal has interrupted.
func retry(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// again is retry for calls that return a number.
func again(do func() (int, error)) (int, error) {
	for {
		if n, err := do(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// failed is an error of something done to a path.
func failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}
