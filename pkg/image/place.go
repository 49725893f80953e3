package image

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Place makes the layers files of the container whose "/" is root, and the directories above them. Fetch is called at most
// once, with those that are not there yet and a file for each to write to.
//
// What the container has already is never touched: a file that exists stays as it is, whatever it holds; a mount, a symbolic
// link or a file where a directory is wanted hides the layer, as a volume hides what an image has below it. The files
// belong to whoever owns "/".
func Place(root *os.File, layers []Layer, fetch func(layers []Layer, files []*os.File) error) (err error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(root.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	var wanted []Layer
	var places []*place
	var files []*os.File
	defer func() {
		for _, p := range places {
			err = errors.Join(err, p.discard())
		}
	}()
	for i, l := range layers {
		p, err := prepare(root, l.Path, temporaryName(i, l), int(st.Uid), int(st.Gid))
		if err != nil {
			return fmt.Errorf("%s as a file of the container: %w", l.About, err)
		}
		if p == nil {
			continue
		}
		wanted, places, files = append(wanted, l), append(places, p), append(files, p.file)
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := fetch(wanted, files); err != nil {
		return err
	}
	for i, p := range places {
		if err := p.commit(int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("%s as a file of the container: %w", wanted[i].About, err)
		}
	}
	return nil
}

// place is a file that is being made.
type place struct {
	dir        *os.File // O_PATH
	name, temp string
	file       *os.File // named temp; nil when that name is gone
}

// below are the rules for a step from one directory of the root file system to the next.
const below = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS

// temporaryName is that of the file of the layer i until it is complete. It is the same each time, so that what a shim that was
// killed has left is found, and no name that anybody else gives a file.
func temporaryName(i int, l Layer) string {
	_, sum, _ := strings.Cut(l.Digest, ":")
	return fmt.Sprintf(".wasmgo-%d-%.32s", i, sum)
}

// prepare begins the file name under the name temp, or returns nil if there is something in its place.
func prepare(root *os.File, name, temp string, uid, gid int) (_ *place, err error) {
	dir, err := unix.FcntlInt(root.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	defer func() {
		if dir >= 0 {
			unix.Close(dir)
		}
	}()
	parents, base := path.Split(strings.TrimPrefix(name, "/"))
	for part := range strings.SplitSeq(strings.TrimSuffix(parents, "/"), "/") {
		if part == "" {
			continue
		}
		next, err := step(dir, part, uid, gid)
		if hidden(err) {
			return nil, nil
		}
		if err != nil {
			return nil, &os.PathError{Op: "mkdir", Path: name, Err: err}
		}
		unix.Close(dir)
		dir = next
	}
	var st unix.Stat_t
	err = unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil {
		return nil, nil
	}
	if !errors.Is(err, unix.ENOENT) {
		return nil, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	// The container is not running yet, so whatever has this name is a killed shim's.
	if err := unix.Unlinkat(dir, temp, 0); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EROFS) {
		return nil, &os.PathError{Op: "unlink", Path: name, Err: err}
	}
	fd, err := unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: name, Err: err}
	}
	p := &place{dir: os.NewFile(uintptr(dir), name), name: base, temp: temp, file: os.NewFile(uintptr(fd), name)}
	dir = -1
	return p, nil
}

// step returns the directory name in dir, which is made if there is nothing of that name.
func step(dir int, name string, uid, gid int) (int, error) {
	made := unix.Mkdirat(dir, name, 0o755)
	if made != nil && !errors.Is(made, unix.EEXIST) && !errors.Is(made, unix.EROFS) {
		return -1, made
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: below}
	fd, err := unix.Openat2(dir, name, &how)
	if err != nil {
		if errors.Is(made, unix.EROFS) && errors.Is(err, unix.ENOENT) {
			err = made
		}
		return -1, err
	}
	if made == nil {
		if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// hidden reports whether a step fails because there is a mount, a link or a file in the way.
func hidden(err error) bool {
	return errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR)
}

// commit gives a file that is complete its name.
func (p *place) commit(uid, gid int) error {
	if err := p.file.Chown(uid, gid); err != nil {
		return err
	}
	if err := p.file.Chmod(0o644); err != nil {
		return err
	}
	dir := int(p.dir.Fd())
	err := unix.Renameat2(dir, p.temp, dir, p.name, unix.RENAME_NOREPLACE)
	if err != nil {
		return &os.PathError{Op: "rename", Path: p.file.Name(), Err: err}
	}
	p.temp = ""
	return nil
}

// discard closes what is open and removes a file that has not got its name.
func (p *place) discard() error {
	var err error
	if p.temp != "" {
		err = unix.Unlinkat(int(p.dir.Fd()), p.temp, 0)
	}
	return errors.Join(err, p.file.Close(), p.dir.Close())
}
