package vm

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// archive writes an initramfs: a cpio archive in the "newc" form, the only one the kernel unpacks
// (Documentation/driver-api/early-userspace/buffer-format.rst). It is not compressed, since unpacking is what software
// emulation is slowest at.
type archive struct {
	t     testing.TB
	w     *bufio.Writer
	made  map[string]bool // names that are in it
	inode int
}

// entry is one member. A symbolic link's target is its content.
type entry struct {
	name    string // without the leading slash
	mode    fs.FileMode
	uid     int
	gid     int
	major   int64 // of a device
	minor   int64
	size    int64
	content io.Reader
}

// newArchive begins an archive at the path given. It is complete after close.
func newArchive(t testing.TB, file io.Writer) *archive {
	return &archive{t: t, w: bufio.NewWriterSize(file, 1<<20), made: map[string]bool{"": true, ".": true}}
}

// close writes the trailer; the file is the caller's to close.
func (a *archive) close() {
	a.t.Helper()
	a.write(entry{name: "TRAILER!!!"})
	if err := a.w.Flush(); err != nil {
		a.t.Fatal(err)
	}
}

// unixMode is what stat(2) calls st_mode.
func unixMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for _, kind := range []struct {
		go_  fs.FileMode
		unix int64
	}{
		{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000},
	} {
		if mode&kind.go_ != 0 {
			bits |= kind.unix
		}
	}
	switch {
	case mode.IsDir():
		return bits | 0o040000
	case mode&fs.ModeSymlink != 0:
		return bits | 0o120000
	case mode&fs.ModeCharDevice != 0:
		return bits | 0o020000
	case mode&fs.ModeDevice != 0:
		return bits | 0o060000
	}
	return bits | 0o100000
}

func (a *archive) write(e entry) {
	a.t.Helper()
	a.inode++
	a.made[e.name] = true
	mode := unixMode(e.mode)
	if e.name == "TRAILER!!!" {
		mode = 0
	}
	name := e.name + "\x00"
	// magic, inode, mode, uid, gid, links, mtime, size, device twice, device number twice, length of the name, checksum
	header := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", a.inode, mode, e.uid, e.gid, 1, 0, e.size, 0, 0, e.major, e.minor, len(name), 0)
	a.put(header + name + padding(len(header)+len(name)))
	if e.size == 0 {
		return
	}
	if n, err := io.Copy(a.w, e.content); err != nil || n != e.size {
		a.t.Fatalf("%s: %d of %d bytes: %v", e.name, n, e.size, err)
	}
	a.put(padding(int(e.size % 4)))
}

func (a *archive) put(text string) {
	a.t.Helper()
	if _, err := a.w.WriteString(text); err != nil {
		a.t.Fatal(err)
	}
}

// padding fills up to a multiple of four bytes.
func padding(n int) string { return "\x00\x00\x00"[:(4-n%4)%4] }

// dirs makes the directories above a name.
func (a *archive) dirs(name string) {
	a.t.Helper()
	if dir := path.Dir(name); !a.made[dir] {
		a.dirs(dir)
		a.dir(dir)
	}
}

// dir makes a directory, once.
func (a *archive) dir(name string) {
	a.t.Helper()
	if a.made[name] {
		return
	}
	a.dirs(name)
	a.write(entry{name: name, mode: fs.ModeDir | 0o755})
}

// text makes a file of the text given.
func (a *archive) text(name, text string, mode fs.FileMode) {
	a.t.Helper()
	a.dirs(name)
	a.write(entry{name: name, mode: mode, size: int64(len(text)), content: strings.NewReader(text)})
}

func (a *archive) symlink(name, target string) {
	a.t.Helper()
	a.dirs(name)
	a.write(entry{name: name, mode: fs.ModeSymlink | 0o777, size: int64(len(target)), content: strings.NewReader(target)})
}

func (a *archive) device(name string, major, minor int64) {
	a.t.Helper()
	a.dirs(name)
	a.write(entry{name: name, mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, major: major, minor: minor})
}

// file copies a file of the host.
func (a *archive) file(name, from string, mode fs.FileMode) {
	a.t.Helper()
	f, err := os.Open(from)
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		a.t.Fatal(err)
	}
	a.dirs(name)
	a.write(entry{name: name, mode: mode, size: info.Size(), content: f})
}

// tree copies a directory of the host, if it is there: regular files and directories only.
func (a *archive) tree(name, from string) {
	a.t.Helper()
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		switch to := path.Join(name, rel); {
		case d.IsDir():
			a.dir(to)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			a.file(to, p, info.Mode().Perm())
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.t.Fatal(err)
	}
}

// tar copies a tar archive but for the names that skip says and those that are made already.
func (a *archive) tar(from string, skip func(name string) bool) {
	a.t.Helper()
	f, err := os.Open(from)
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(bufio.NewReaderSize(f, 1<<20)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			a.t.Fatal(err)
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "./"))
		if name == "." || skip(name) || a.made[name] {
			continue
		}
		e := entry{name: name, mode: h.FileInfo().Mode(), uid: h.Uid, gid: h.Gid, major: h.Devmajor, minor: h.Devminor, size: h.Size, content: r}
		switch h.Typeflag {
		case tar.TypeSymlink:
			e.size, e.content = int64(len(h.Linkname)), strings.NewReader(h.Linkname)
		case tar.TypeReg, tar.TypeDir, tar.TypeChar, tar.TypeBlock:
		case tar.TypeLink:
			// The few there are serve as well as links of the other kind.
			e.mode = fs.ModeSymlink | 0o777
			target := "/" + path.Clean(strings.TrimPrefix(h.Linkname, "./"))
			e.size, e.content = int64(len(target)), strings.NewReader(target)
		default:
			continue
		}
		a.dirs(name)
		a.write(e)
	}
}
