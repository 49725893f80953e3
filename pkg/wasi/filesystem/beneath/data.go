package beneath

import (
	"math"

	"golang.org/x/sys/unix"
)

// MaxRead is how many bytes one read moves at most: a guest that is to be stopped is not held up for longer.
const MaxRead = 16 << 20

// offset is an offset as the kernel has it.
func offsetOf(o uint64) (int64, error) {
	if o > math.MaxInt64 {
		return 0, unix.EINVAL
	}
	return int64(o), nil
}

// data refuses to read and write directories, with the error of read(2) for both.
func (d *Descriptor) data() error {
	if d.kind == Directory {
		return unix.EISDIR
	}
	return nil
}

// readable refuses to read what was not opened for it.
func (d *Descriptor) readable() error {
	if d.flags&Read == 0 {
		return unix.EBADF
	}
	return d.data()
}

// writable refuses to write to what was not opened for it.
func (d *Descriptor) writable() error {
	if err := d.data(); err != nil {
		return err
	}
	if d.flags&Write == 0 {
		return unix.EBADF
	}
	return nil
}

// Readable is how many bytes, of length and of what one read moves at most, there are at an offset; 0 if there are none, or if only
// reading tells.
func (d *Descriptor) Readable(length, offset uint64) (int, error) {
	if err := d.readable(); err != nil {
		return 0, failed("read", ".", err)
	}
	n, err := d.file.left(d.kind, offset)
	return int(min(n, length, MaxRead)), failed("read", ".", err)
}

// left is how many bytes there are from an offset on. What has no size has none, as it seems.
func (f *file) left(kind Kind, offset uint64) (uint64, error) {
	var size int64
	var err error
	switch kind {
	case RegularFile:
		var st unix.Stat_t
		err = retry(func() error { return unix.Fstat(f.fd, &st) })
		size = st.Size
	case BlockDevice:
		size, err = unix.Seek(f.fd, 0, unix.SEEK_END) // the position is nobody's
	}
	if err != nil || uint64(size) <= offset {
		return 0, err
	}
	return uint64(size) - offset, nil
}

// Read reads into b from an offset. Fewer bytes than b has room for are the end of the file.
func (d *Descriptor) Read(b []byte, offset uint64) (int, error) {
	err := d.readable()
	at, offsetErr := offsetOf(offset)
	if err == nil {
		err = offsetErr
	}
	if err != nil {
		return 0, failed("read", ".", err)
	}
	n, err := d.file.pread(b, at)
	return n, failed("read", ".", err)
}

// pread reads until b is full or the file at its end. An error after the first bytes is not told; the next read meets it again.
func (f *file) pread(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		got, err := again(func() (int, error) { return unix.Pread(f.fd, b[n:], at+int64(n)) })
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if got == 0 {
			break
		}
		n += got
	}
	return n, nil
}

// Write writes b at an offset, and returns how many bytes of it: fewer if an error came after them, which the next write meets again.
func (d *Descriptor) Write(b []byte, offset uint64) (int, error) {
	err := d.writable()
	at, offsetErr := offsetOf(offset)
	if err == nil {
		err = offsetErr
	}
	if err != nil {
		return 0, failed("write", ".", err)
	}
	n, err := d.file.pwrite(b, at)
	if n > 0 {
		return n, nil
	}
	return 0, failed("write", ".", err)
}

// pwrite writes all of b, or as much as goes.
func (f *file) pwrite(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		put, err := again(func() (int, error) { return unix.Pwrite(f.fd, b[n:], at+int64(n)) })
		if err != nil {
			return n, err
		}
		n += put
	}
	return n, nil
}

// SetSize cuts a file off, or has it end in zeros.
func (d *Descriptor) SetSize(size uint64) error {
	return failed("truncate", ".", d.setSize(size))
}

func (d *Descriptor) setSize(size uint64) error {
	if err := d.data(); err != nil {
		return err
	}
	if size > math.MaxInt64 {
		return unix.EFBIG
	}
	return retry(func() error { return unix.Ftruncate(d.file.fd, int64(size)) })
}

// Advice is WASI's advice, in its order.
type Advice uint8

// What a guest may say about how it will use a file; the numbers of the kernel are others.
const (
	Normal Advice = iota
	Sequential
	Random
	WillNeed
	DontNeed
	NoReuse
)

// Advise tells the kernel how a part of a file will be used. A length of 0 is up to the end.
func (d *Descriptor) Advise(offset, length uint64, a Advice) error {
	kernels := [...]int{
		Normal: unix.FADV_NORMAL, Sequential: unix.FADV_SEQUENTIAL, Random: unix.FADV_RANDOM,
		WillNeed: unix.FADV_WILLNEED, DontNeed: unix.FADV_DONTNEED, NoReuse: unix.FADV_NOREUSE,
	}
	if offset > math.MaxInt64 || length > math.MaxInt64 {
		return failed("advise", ".", unix.EINVAL)
	}
	return failed("advise", ".", retry(func() error {
		return unix.Fadvise(d.file.fd, int64(offset), int64(length), kernels[a])
	}))
}

// Sync brings data and metadata to the disk; SyncData what reading the data back takes. Neither does anything for what was not opened
// to change it.
func (d *Descriptor) Sync() error { return d.sync(unix.Fsync) }

// SyncData is Sync of the data.
func (d *Descriptor) SyncData() error { return d.sync(unix.Fdatasync) }

func (d *Descriptor) sync(do func(fd int) error) error {
	if d.Flags()&(Write|MutateDirectory) == 0 {
		return nil
	}
	if d.kind == Directory {
		return failed("sync", ".", d.syncDirectory(do))
	}
	return failed("sync", ".", retry(func() error { return do(d.file.fd) }))
}

// syncDirectory syncs through a descriptor that is open for reading, which that of a preopen need not be.
func (d *Descriptor) syncDirectory(do func(fd int) error) error {
	fd, err := openat(d.file.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return retry(func() error { return do(fd) })
}
