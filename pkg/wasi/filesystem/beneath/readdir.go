package beneath

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// An Entry is a name in a directory, and what it is the name of.
type Entry struct {
	Kind Kind
	Name string
}

// A Reading goes through a directory, some kilobytes of it at a time.
type Reading struct {
	fd   int
	buf  []byte
	rest []byte
}

// ReadDirectory begins to read the directory. Close ends it.
func (d *Descriptor) ReadDirectory() (*Reading, error) {
	if err := d.searchable(); err != nil {
		return nil, failed("readdir", ".", err)
	}
	if d.flags&Read == 0 {
		return nil, failed("readdir", ".", unix.EBADF)
	}
	// A description of its own, for that of d has but one position.
	fd, err := openat(d.file.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, failed("readdir", ".", err)
	}
	return &Reading{fd: fd}, nil
}

// The header of a struct linux_dirent64 (getdents64(2)): inode, offset, length of the record, type.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// Next is the next entry, io.EOF after the last. "." and ".." are none. A name that WASI cannot say because it is not Unicode is EILSEQ;
// Next goes on after it.
func (r *Reading) Next() (Entry, error) {
	for {
		if len(r.rest) == 0 {
			if err := r.fill(); err != nil {
				return Entry{}, err
			}
		}
		length := int(binary.NativeEndian.Uint16(r.rest[direntLength:]))
		record := r.rest[:length]
		r.rest = r.rest[length:]
		name, _, _ := bytes.Cut(record[direntName:], []byte{0})
		if s := string(name); s == "." || s == ".." {
			continue
		}
		if !utf8.Valid(name) {
			return Entry{}, failed("readdir", ".", unix.EILSEQ)
		}
		e := Entry{Name: string(name)}
		e.Kind = r.kind(record[direntType], e.Name)
		return e, nil
	}
}

// fill reads on.
func (r *Reading) fill() error {
	if r.buf == nil {
		r.buf = make([]byte, 16<<10)
	}
	n, err := again(func() (int, error) { return unix.Getdents(r.fd, r.buf) })
	// ENOENT: the directory was removed. POSIX has nothing in it then (as glibc).
	if errors.Is(err, unix.ENOENT) || err == nil && n == 0 {
		return io.EOF
	}
	if err != nil {
		return failed("readdir", ".", err)
	}
	r.rest = r.buf[:n]
	return nil
}

// kind is what an entry is. A type of the kernel is that part of the mode, and 0 where the file system does not say.
func (r *Reading) kind(typ byte, name string) Kind {
	if typ != unix.DT_UNKNOWN {
		return kindOf(uint32(typ) << 12)
	}
	var st unix.Stat_t
	if err := fstatat(r.fd, name, &st); err != nil {
		return Unknown // gone already, or nobody's business
	}
	return kindOf(st.Mode)
}

// Close ends the reading.
func (r *Reading) Close() error { return unix.Close(r.fd) }
