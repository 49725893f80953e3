package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A peer is a descriptor that is a standard stream, and what the other end of it can do.
type peer struct {
	fd int
	// send has text arrive, and end the end; nil where nothing can.
	send func(text string)
	end  func()
	// receive returns what was written.
	receive func() string
}

// check ends the test when what its helpers do fails.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fileOf keeps an *os.File without its poller: a descriptor like those that containers are given.
func fileOf(t testing.TB, fd int) *os.File {
	t.Helper()
	f := os.NewFile(uintptr(fd), "peer")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func between(t testing.TB, reader, writer int) (in, out peer) {
	t.Helper()
	r, w := fileOf(t, reader), fileOf(t, writer)
	write := func(text string) { _, err := w.WriteString(text); check(t, err) }
	read := func() string {
		check(t, w.Close())
		b, err := io.ReadAll(r)
		check(t, err)
		return string(b)
	}
	return peer{fd: reader, send: write, end: func() { check(t, w.Close()) }}, peer{fd: writer, receive: read}
}

func pipes(t testing.TB) (in, out peer) {
	var p [2]int
	check(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	return between(t, p[0], p[1])
}

func namedPipes(t testing.TB) (in, out peer) {
	name := filepath.Join(t.TempDir(), "fifo")
	check(t, unix.Mkfifo(name, 0o600))
	r, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	check(t, err)
	w, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	check(t, err)
	check(t, unix.SetNonblock(r, false))
	return between(t, r, w)
}

func sockets(t testing.TB) (in, out peer) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	return between(t, p[0], p[1])
}

// terminal is the far end of a pseudo-terminal, which has no end of file but a character for it.
func terminal(t testing.TB) (in, out peer) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	t.Cleanup(func() { _ = master.Close() })
	raw, err := master.SyscallConn()
	check(t, err)
	var slave int
	check(t, raw.Control(func(fd uintptr) {
		check(t, unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0))
		s, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		if errno != 0 {
			t.Fatal(errno)
		}
		slave = int(s)
	}))
	fileOf(t, slave)
	state, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	check(t, err)
	state.Lflag &^= unix.ECHO
	state.Oflag &^= unix.OPOST
	check(t, unix.IoctlSetTermios(slave, unix.TCSETS, state))
	write := func(text string) { _, err := master.WriteString(text); check(t, err) }
	receive := func() string {
		b := make([]byte, 100_000)
		n, err := master.Read(b)
		check(t, err)
		return string(b[:n])
	}
	return peer{fd: slave, send: write, end: func() { write("\x04") }}, peer{fd: slave, receive: receive}
}

func files(t testing.TB) (in, out peer) {
	f, err := os.CreateTemp(t.TempDir(), "file")
	check(t, err)
	t.Cleanup(func() { _ = f.Close() })
	fd, err := unix.Open(f.Name(), unix.O_RDWR|unix.O_CLOEXEC, 0)
	check(t, err)
	fileOf(t, fd)
	receive := func() string { b, err := os.ReadFile(f.Name()); check(t, err); return string(b) }
	return peer{fd: fd, send: func(text string) { _, err := f.WriteString(text); check(t, err) }, end: func() {}}, peer{fd: fd, receive: receive}
}

var peers = []struct {
	name     string
	make     func(t testing.TB) (in, out peer)
	waits    bool // reading may have to wait
	terminal bool
}{
	{"a pipe", pipes, true, false},
	{"a named pipe", namedPipes, true, false},
	{"a socket", sockets, true, false},
	{"a terminal", terminal, true, true},
	{"a file", files, false, false},
}

// nonblocking reports whether O_NONBLOCK is set on the open file description.
func nonblocking(t testing.TB, fd int) bool {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	check(t, err)
	return flags&unix.O_NONBLOCK != 0
}

func newPoller(t testing.TB) *wasiio.Poller {
	t.Helper()
	p, err := wasiio.NewPoller()
	check(t, err)
	t.Cleanup(func() { check(t, p.Close()) })
	return p
}

// TestSource: whatever standard input is, and whether or not somebody has set O_NONBLOCK on it, reads do not wait, pollables do, and the
// flag stays as it is.
func TestSource(t *testing.T) {
	for _, p := range peers {
		for _, nonblock := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, O_NONBLOCK %v", p.name, nonblock), func(t *testing.T) {
				in, _ := p.make(t)
				check(t, unix.SetNonblock(in.fd, nonblock))
				s, err := NewSource(in.fd)
				check(t, err)
				if s.Terminal() != p.terminal {
					t.Errorf("terminal: %v", s.Terminal())
				}
				poller := newPoller(t)
				if p.waits {
					if n, err := s.Read(make([]byte, 9)); n != 0 || err != nil {
						t.Errorf("nothing is there, and %d bytes were read, %v", n, err)
					}
					if ready, err := poller.Ready(s); ready || err != nil {
						t.Errorf("nothing is there, and ready is %v, %v", ready, err)
					}
				}
				in.send("hello\n")
				check(t, poller.Block(s))
				b := make([]byte, 9)
				if n, err := s.Read(b[:2]); string(b[:n]) != "he" || err != nil {
					t.Errorf("read %q, %v", b[:n], err)
				}
				if n, err := s.Read(b); string(b[:n]) != "llo\n" || err != nil {
					t.Errorf("read %q, %v", b[:n], err)
				}
				in.end()
				check(t, poller.Block(s))
				if n, err := s.Read(b); n != 0 || !errors.Is(err, io.EOF) {
					t.Errorf("at the end read %q, %v", b[:n], err)
				}
				if got := nonblocking(t, in.fd); got != nonblock {
					t.Errorf("O_NONBLOCK is %v now", got)
				}
			})
		}
	}
}

func TestSink(t *testing.T) {
	for _, p := range peers {
		for _, nonblock := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, O_NONBLOCK %v", p.name, nonblock), func(t *testing.T) {
				_, out := p.make(t)
				check(t, unix.SetNonblock(out.fd, nonblock))
				s, err := NewSink(out.fd)
				check(t, err)
				if s.Terminal() != p.terminal {
					t.Errorf("terminal: %v", s.Terminal())
				}
				check(t, newPoller(t).Block(s))
				if n, err := s.CheckWrite(); n < 4096 || err != nil {
					t.Errorf("%d bytes are permitted, %v", n, err)
				}
				check(t, s.Write([]byte("hello")))
				check(t, s.Flush())
				if got := nonblocking(t, out.fd); got != nonblock {
					t.Errorf("O_NONBLOCK is %v now", got)
				}
				if got := out.receive(); got != "hello" {
					t.Errorf("written was %q", got)
				}
			})
		}
	}
}

// TestFullSink: a pipe that is full permits nothing, and what it has room for a part of is written whole, with O_NONBLOCK too.
func TestFullSink(t *testing.T) {
	for _, nonblock := range []bool{false, true} {
		t.Run(fmt.Sprintf("O_NONBLOCK %v", nonblock), func(t *testing.T) {
			var p [2]int
			check(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
			r, w := fileOf(t, p[0]), fileOf(t, p[1])
			size, err := unix.FcntlInt(uintptr(p[1]), unix.F_GETPIPE_SZ, 0)
			check(t, err)
			check(t, unix.SetNonblock(p[1], nonblock))
			s, err := NewSink(p[1])
			check(t, err)
			check(t, s.Write(bytes.Repeat([]byte("x"), size)))
			if n, err := s.CheckWrite(); n != 0 || err != nil {
				t.Errorf("a full pipe permits %d bytes, %v", n, err)
			}
			if ready, err := newPoller(t).Ready(s); ready || err != nil {
				t.Errorf("a full pipe is ready: %v, %v", ready, err)
			}
			written := make(chan error)
			go func() {
				err := s.Write(bytes.Repeat([]byte("y"), size+1))
				_ = w.Close()
				written <- err
			}()
			b, err := io.ReadAll(r)
			check(t, err)
			check(t, <-written)
			if want := strings.Repeat("x", size) + strings.Repeat("y", size+1); string(b) != want {
				t.Errorf("%d bytes arrived, want %d", len(b), len(want))
			}
		})
	}
}

// TestNullDevice: it is always at its end, and takes everything.
func TestNullDevice(t *testing.T) {
	fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	check(t, err)
	fileOf(t, fd)
	in, err := NewSource(fd)
	check(t, err)
	out, err := NewSink(fd)
	check(t, err)
	p := newPoller(t)
	check(t, p.Block(in))
	check(t, p.Block(out))
	if n, err := in.Read(make([]byte, 9)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	check(t, out.Write(make([]byte, 1<<20)))
	if in.Terminal() || out.Terminal() {
		t.Error("it is no terminal")
	}
}

// TestStrangerReadsFirst: somebody with the same open file description takes what poll has seen. Where the kernel can read without
// waiting nobody waits.
func TestStrangerReadsFirst(t *testing.T) {
	in, _ := pipes(t)
	s, err := NewSource(in.fd)
	check(t, err)
	in.send("x")
	check(t, newPoller(t).Block(s))
	if _, err := unix.Read(in.fd, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	n, err := s.Read(make([]byte, 9))
	if n != 0 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// TestWaitingForInputCostsNothing: a quarter of a second in block takes next to no CPU.
func TestWaitingForInputCostsNothing(t *testing.T) {
	for _, p := range peers {
		if !p.waits {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			in, _ := p.make(t)
			s, err := NewSource(in.fd)
			check(t, err)
			poller := newPoller(t)
			timer := time.AfterFunc(250*time.Millisecond, func() { in.send("x\n") })
			defer timer.Stop()
			before := cpu(t)
			check(t, poller.Block(s))
			if used := cpu(t) - before; used > 50*time.Millisecond {
				t.Errorf("waiting took %v of CPU", used)
			}
		})
	}
}

// cpu is what the process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	check(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestNoDescriptor(t *testing.T) {
	_, errIn := NewSource(-1)
	_, errOut := NewSink(-1)
	if !errors.Is(errIn, unix.EBADF) || !errors.Is(errOut, unix.EBADF) {
		t.Errorf("errors %v and %v, want EBADF", errIn, errOut)
	}
}

func TestBrokenStreams(t *testing.T) {
	var p [2]int
	check(t, unix.Pipe2(p[:], unix.O_CLOEXEC))
	reader, writer := fileOf(t, p[0]), fileOf(t, p[1])
	s, err := NewSink(p[1])
	check(t, err)
	check(t, reader.Close())
	if err := s.Write([]byte("x")); !errors.Is(err, io.EOF) {
		t.Errorf("without a reader: error %v, want the end", err)
	}
	check(t, writer.Close())
	dir, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	check(t, err)
	fileOf(t, dir)
	from, err := NewSource(dir)
	check(t, err)
	if _, err := from.Read(make([]byte, 9)); !errors.Is(err, unix.EISDIR) {
		t.Errorf("of a directory: error %v", err)
	}
	to, err := NewSink(dir)
	check(t, err)
	if err := to.Write([]byte("x")); !errors.Is(err, unix.EBADF) {
		t.Errorf("to a directory: error %v", err)
	}
}
