package beneath

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links a path may lead through, as in the kernel (path_resolution(7)).
const maxLinks = 40

// An identity is what an inode is known by. It is only good as long as something keeps the inode from being freed.
type identity struct{ dev, ino uint64 }

func identityOf(fd int) (identity, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstat(fd, &st) })
	return identity{st.Dev, st.Ino}, err
}

// A walker looks a path up from component to component. It holds one descriptor, however deep it goes: ".." is opened like any other
// name, and is right if it is the directory that the walk came through.
type walker struct {
	start *Descriptor
	at    int        // the directory the walk has come to
	owned bool       // at is the walk's own, not start's or the root's
	above []identity // the directories from the top to the one above at
	rest  string     // what is still to be walked; "" at the end
	links int
}

// walk is lookup without openat2(2). The one difference: in a /proc it follows no link at all, not only no magic one, for it cannot tell
// them apart.
func (d *Descriptor) walk(name string, flags int, mode uint32) (fd int, err error) {
	for range maxTries {
		w := walker{start: d, at: d.file.fd, rest: name}
		fd, err = w.run(flags|unix.O_CLOEXEC, mode)
		w.move(-1, false)
		if !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	return fd, err
}

// move makes fd the directory that the walk has come to.
func (w *walker) move(fd int, owned bool) {
	if w.owned {
		_ = unix.Close(w.at)
	}
	w.at, w.owned = fd, owned
}

// run walks to the end. EAGAIN is that the tree changed under the walk.
func (w *walker) run(flags int, mode uint32) (int, error) {
	for {
		name, rest, slash := strings.Cut(w.rest, "/")
		rest = strings.TrimLeft(rest, "/")
		w.rest = rest
		if rest == "" {
			fd, done, err := w.last(name, slash, flags, mode)
			if done || err != nil {
				return fd, err
			}
			continue
		}
		if err := w.step(name); err != nil {
			return -1, err
		}
	}
}

// step goes through a component that is not the last.
func (w *walker) step(name string) error {
	switch name {
	case ".":
		return nil
	case "..":
		return w.up()
	}
	fd, err := openat(w.at, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return w.enter(fd, name)
}

// enter goes into fd, which was opened as name in the directory the walk has come to, and is the walk's from now on.
func (w *walker) enter(fd int, name string) error {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		_ = unix.Close(fd)
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		here, err := identityOf(w.at)
		if err != nil {
			_ = unix.Close(fd)
			return err
		}
		w.above = append(w.above, here)
		w.move(fd, true)
		return nil
	case unix.S_IFLNK:
		_ = unix.Close(fd)
		return w.follow(name)
	}
	_ = unix.Close(fd)
	return unix.ENOTDIR
}

// up goes to the directory above.
func (w *walker) up() error {
	if len(w.above) == 0 {
		if w.start.root == w.start {
			return nil
		}
		return unix.EPERM
	}
	fd, err := openat(w.at, "..", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	top := len(w.above) - 1
	if id, err := identityOf(fd); err != nil || id != w.above[top] {
		_ = unix.Close(fd)
		if err == nil {
			err = unix.EAGAIN // the directory was moved
		}
		return err
	}
	w.above = w.above[:top]
	w.move(fd, true)
	return nil
}

// follow puts what the link name says in front of the rest of the path.
func (w *walker) follow(name string) error {
	to, err := readlink(w.at, name)
	if errors.Is(err, unix.EINVAL) {
		return unix.EAGAIN // it is no link any more
	}
	if err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := retry(func() error { return unix.Fstatfs(w.at, &fs) }); err != nil {
		return err
	}
	if w.links++; w.links > maxLinks || fs.Type == unix.PROC_SUPER_MAGIC {
		return unix.ELOOP
	}
	if to[0] == '/' {
		root := w.start.root
		if root == nil {
			return unix.EPERM
		}
		w.start = root
		w.move(root.file.fd, false)
		w.above = w.above[:0]
		if to = strings.TrimLeft(to, "/"); to == "" {
			to = "."
		}
	}
	if w.rest != "" {
		to += "/" + w.rest
	}
	w.rest = to
	return nil
}

// last opens the last component. It is not done if that was a link to follow.
func (w *walker) last(name string, slash bool, flags int, mode uint32) (fd int, done bool, err error) {
	// The kernel goes up before it looks at what is to be done there.
	if name == ".." {
		if err := w.up(); err != nil {
			return -1, true, err
		}
		name = "."
	}
	creates := flags&unix.O_CREAT != 0
	switch {
	case slash && creates:
		return -1, true, unix.EISDIR
	case slash:
		flags = flags&^unix.O_NOFOLLOW | unix.O_DIRECTORY
	}
	if name == "." {
		fd, err = openat(w.at, name, flags&^unix.O_NOFOLLOW, mode)
		return fd, true, err
	}
	fd, err = openat(w.at, name, flags|unix.O_NOFOLLOW, mode)
	if flags&unix.O_NOFOLLOW != 0 || flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL {
		return fd, true, err
	}
	switch {
	case err == nil && flags&unix.O_PATH != 0: // which opens links themselves
		var st unix.Stat_t
		if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
			_ = unix.Close(fd)
			return -1, true, err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			return fd, true, nil
		}
		_ = unix.Close(fd)
	case errors.Is(err, unix.ELOOP):
	case errors.Is(err, unix.ENOTDIR):
		switch _, none := readlink(w.at, name); {
		case errors.Is(none, unix.EINVAL): // it is a file
			return -1, true, err
		case none != nil:
			return -1, true, none
		}
	default:
		return fd, true, err
	}
	if err := w.follow(name); err != nil {
		return -1, true, err
	}
	if slash {
		w.rest += "/"
	}
	return -1, false, nil
}

func openat(dir int, name string, flags int, mode uint32) (int, error) {
	return again(func() (int, error) { return unix.Openat(dir, name, flags|unix.O_CLOEXEC, mode) })
}
