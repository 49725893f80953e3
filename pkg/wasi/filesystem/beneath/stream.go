package beneath

import (
	"errors"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// permit is how many bytes a guest may write to a file at a time. It need not be small, for the guest's memory is written as it is.
const permit = 1 << 20

// waits reports whether reads and writes of a kind of file wait for somebody. Those are read and written from where they are: they have
// no offsets.
func (k Kind) waits() bool { return k != RegularFile && k != BlockDevice }

// ReadViaStream is a stream that begins at an offset.
func (d *Descriptor) ReadViaStream(offset uint64) (wasiio.InputStream, error) {
	err := d.readable()
	at, offsetErr := offsetOf(offset)
	if err == nil {
		err = offsetErr
	}
	if err != nil {
		return nil, failed("read", ".", err)
	}
	if d.kind.waits() {
		return &pipeInput{d.file.share(), d.kind}, nil
	}
	return &fileInput{file: d.file.share(), kind: d.kind, at: at}, nil
}

// WriteViaStream is a stream that begins at an offset.
func (d *Descriptor) WriteViaStream(offset uint64) (wasiio.OutputStream, error) {
	err := d.writable()
	at, offsetErr := offsetOf(offset)
	if err == nil {
		err = offsetErr
	}
	if err != nil {
		return nil, failed("write", ".", err)
	}
	if d.kind.waits() {
		return &pipeOutput{file: d.file.share(), kind: d.kind}, nil
	}
	return &fileOutput{file: d.file.share(), at: at}, nil
}

// AppendViaStream is a stream whose every write goes to the end of the file, wherever that is then.
func (d *Descriptor) AppendViaStream() (wasiio.OutputStream, error) {
	if err := d.writable(); err != nil {
		return nil, failed("append", ".", err)
	}
	if d.kind.waits() {
		return &pipeOutput{file: d.file.share(), kind: d.kind}, nil
	}
	return &appendOutput{file: d.file.share()}, nil
}

// prompt is what streams of files share: they are always ready, and nothing is kept that could be flushed.
type prompt struct{}

// Watch implements [wasiio.Pollable].
func (prompt) Watch(w *wasiio.Watch) { w.Ready() }

// CheckWrite implements [wasiio.OutputStream].
func (prompt) CheckWrite() (int, error) { return permit, nil }

// Flush implements [wasiio.OutputStream].
func (prompt) Flush() error { return nil }

type fileInput struct {
	prompt
	file *file
	kind Kind
	at   int64
}

// smallRead is up to how many bytes a copy is cheaper than to ask for the size of the file first: 4 KiB are copied in a tenth of the time
// of fstat(2).
const smallRead = 8 << 10

// Size implements [wasiio.Sized].
func (s *fileInput) Size(limit int) int {
	if limit <= smallRead {
		return 0
	}
	n, err := s.file.left(s.kind, uint64(s.at))
	if err != nil {
		return 0 // reading will tell
	}
	return int(min(n, uint64(limit)))
}

// Read implements [wasiio.InputStream].
func (s *fileInput) Read(b []byte) (int, error) {
	n, err := again(func() (int, error) { return unix.Pread(s.file.fd, b, s.at) })
	switch {
	case err != nil:
		return 0, failed("read", ".", err)
	case n == 0:
		return 0, io.EOF
	}
	s.at += int64(n)
	return n, nil
}

// Skip implements [wasiio.Skipper].
func (s *fileInput) Skip(n uint64) (uint64, error) {
	left, err := s.file.left(s.kind, uint64(s.at))
	switch {
	case err != nil:
		return 0, failed("read", ".", err)
	case left == 0:
		return 0, io.EOF
	}
	n = min(n, left)
	s.at += int64(n)
	return n, nil
}

// Close implements [wasiio.InputStream].
func (s *fileInput) Close() error { return s.file.close() }

type fileOutput struct {
	prompt
	file *file
	at   int64
}

// Write implements [wasiio.OutputStream].
func (s *fileOutput) Write(b []byte) error {
	n, err := s.file.pwrite(b, s.at)
	s.at += int64(n)
	return failed("write", ".", err)
}

// Close implements [wasiio.OutputStream].
func (s *fileOutput) Close() error { return s.file.close() }

type appendOutput struct {
	prompt
	file  *file
	plain bool // the kernel, or the seccomp profile, knows no RWF_APPEND
}

// Write implements [wasiio.OutputStream].
func (s *appendOutput) Write(b []byte) error {
	for len(b) > 0 {
		n, err := s.write(b)
		if err != nil {
			return failed("append", ".", err)
		}
		b = b[n:]
	}
	return nil
}

func (s *appendOutput) write(b []byte) (int, error) {
	if !s.plain {
		n, err := again(func() (int, error) { return pwriteEnd(s.file.fd, b) })
		// EPERM: files to which one may only append are not opened for writing, so that it is not the file's.
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return n, err
		}
		s.plain = true
	}
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(s.file.fd, &st) }); err != nil {
		return 0, err
	}
	return again(func() (int, error) { return unix.Pwrite(s.file.fd, b, st.Size) })
}

// pwriteEnd is pwritev2(2) with RWF_APPEND: the end of the file is found and written to in one. That of package unix allocates.
func pwriteEnd(fd int, b []byte) (int, error) {
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	n, _, errno := unix.Syscall6(unix.SYS_PWRITEV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, 0, 0, unix.RWF_APPEND)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Close implements [wasiio.OutputStream].
func (s *appendOutput) Close() error { return s.file.close() }
