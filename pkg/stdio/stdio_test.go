package stdio

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

func mkfifo(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openSet(t *testing.T, c Config) *Set {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// openEnd opens a client's end of a FIFO, through the poller so that a test that is stuck can be ended.
func openEnd(t *testing.T, path string, flags int) *os.File {
	t.Helper()
	f, err := open(path, flags|unix.O_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return f
}

func readString(t *testing.T, f *os.File, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(f, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeString(t *testing.T, f *os.File, s string) {
	t.Helper()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

// child stands for the process: it takes the files over as fork does.
func child(t *testing.T, s *Set) (files [3]*os.File) {
	t.Helper()
	for i, f := range s.Files() {
		if f == nil {
			continue
		}
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = os.NewFile(uintptr(fd), f.Name())
		t.Cleanup(func() { files[i].Close() })
	}
	s.Handed()
	return files
}

// mustEOF fails unless f ends now.
func mustEOF(t *testing.T, f *os.File) {
	t.Helper()
	if n, err := f.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v, want the end", n, err)
	}
}

func TestNoStreamsAreNoFiles(t *testing.T) {
	if s := openSet(t, Config{}); s.Files() != [3]*os.File{} {
		t.Errorf("files %v", s.Files())
	}
}

func TestStdinEndsWithItsClient(t *testing.T) {
	path := mkfifo(t, "stdin")
	opened := make(chan *os.File, 1)
	go func() { // the client's open waits for a reader, as containerd's does
		f, err := open(path, unix.O_WRONLY)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	awaitWriter(t, path)
	s := openSet(t, Config{Stdin: path})
	if s.standIn != nil {
		t.Error("the shim stands in for a client that is there")
	}
	in := child(t, s)[0]
	client := <-opened
	writeString(t, client, "abc")
	if got := readString(t, in, 3); got != "abc" {
		t.Errorf("got %q", got)
	}
	client.Close()
	mustEOF(t, in)
}

func TestStdinWaitsForItsFirstClient(t *testing.T) {
	path := mkfifo(t, "stdin")
	s := openSet(t, Config{Stdin: path})
	in := child(t, s)[0]
	mustWait(t, in)
	client := openEnd(t, path, unix.O_WRONLY)
	writeString(t, client, "late")
	if got := readString(t, in, 4); got != "late" {
		t.Errorf("got %q", got)
	}
	s.standIn.Reset(0) // for the two seconds
	mustWait(t, in)    // it is the client's now
	client.Close()
	mustEOF(t, in)
}

func TestStdinWithoutAClientEndsAtCloseStdin(t *testing.T) {
	s := openSet(t, Config{Stdin: mkfifo(t, "stdin")})
	in := child(t, s)[0]
	mustWait(t, in)
	s.CloseStdin()
	s.CloseStdin()
	mustEOF(t, in)
}

func TestCloseStdinLosesNothingTheClientWrote(t *testing.T) {
	for range 200 { // the feed may be at any point when CloseStdin comes
		path := mkfifo(t, "stdin")
		s := openSet(t, Config{Stdin: path})
		in := child(t, s)[0]
		client := openEnd(t, path, unix.O_WRONLY)
		writeString(t, client, "abc")
		s.CloseStdin()
		writeString(t, client, "def")
		client.Close()
		if got := readString(t, in, 6); got != "abcdef" {
			t.Fatalf("got %q", got)
		}
		mustEOF(t, in)
		s.Close()
	}
}

// TestStdinOfAClientThatHasGone is ctr with an empty stdin: it opens, closes and never calls CloseIO.
func TestStdinOfAClientThatHasGone(t *testing.T) {
	s := openSet(t, Config{Stdin: mkfifo(t, "stdin")})
	in := child(t, s)[0]
	s.standIn.Reset(time.Millisecond) // for the two seconds
	mustEOF(t, in)
}

// TestStdinOfAClientInAHurry is `echo x | ctr run`: the client's open is pending, and when it goes through the client
// writes and is gone at once. Its guest must not wait for another.
func TestStdinOfAClientInAHurry(t *testing.T) {
	for range 100 { // it may be gone before, in the middle of and after Open
		path := mkfifo(t, "stdin")
		done := make(chan struct{})
		go func() {
			defer close(done)
			f, err := open(path, unix.O_WRONLY)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := f.WriteString("x"); err != nil {
				t.Error(err)
			}
			f.Close()
		}()
		awaitWriter(t, path)
		s := openSet(t, Config{Stdin: path})
		if s.standIn != nil {
			t.Fatal("the shim stands in for a client that has come")
		}
		in := child(t, s)[0]
		if got := readString(t, in, 1); got != "x" {
			t.Fatalf("got %q", got)
		}
		<-done
		mustEOF(t, in)
		s.Close()
	}
}

// awaitWriter returns when an open for writing is waiting for a reader. /proc tells where a thread waits.
func awaitWriter(t *testing.T, path string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		tasks, err := filepath.Glob("/proc/self/task/*/wchan")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if where, err := os.ReadFile(task); err == nil && strings.Contains(string(where), "wait_for_partner") {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody waits for %s", path)
		}
		runtime.Gosched()
	}
}

// mustWait asserts that a read of f would block.
func mustWait(t *testing.T, f *os.File) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(poll, 20)
	for errors.Is(err, unix.EINTR) { // Go's scheduler interrupts too
		n, err = unix.Poll(poll, 20)
	}
	if n != 0 || err != nil {
		t.Errorf("poll gives %d, %v, events %#x, want that a read waits", n, err, poll[0].Revents)
	}
}

// TestOutputOfAQuickGuestWaitsForItsReader: on a busy host a client's open can come after the guest's whole life.
func TestOutputOfAQuickGuestWaitsForItsReader(t *testing.T) {
	short := readerTimeout
	readerTimeout = 10 * time.Second
	t.Cleanup(func() { readerTimeout = short })
	path := mkfifo(t, "stderr")
	opened := make(chan *Set, 1)
	go func() {
		s, err := Open(t.Context(), Config{Stderr: path})
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	select {
	case <-opened:
		t.Fatal("did not wait for the reader")
	case <-time.After(20 * time.Millisecond):
	}
	client := openEnd(t, path, unix.O_RDONLY)
	s := <-opened
	stderr := child(t, s)[2]
	writeString(t, stderr, "last words")
	stderr.Close()
	s.Close()
	if got := readString(t, client, 10); got != "last words" {
		t.Errorf("got %q", got)
	}
	mustEOF(t, client)
}

// TestOutputOfAWaitingReaderDoesNotEndEarly: what opens the FIFO first lets the reader's open through, and must not be the
// last writer the reader sees.
func TestOutputOfAWaitingReaderDoesNotEndEarly(t *testing.T) {
	for range 200 {
		path := mkfifo(t, "stdout")
		client := make(chan string, 1)
		go func() { // as containerd's client does: an open that waits, then reads to the end
			b, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			client <- string(b)
		}()
		s := openSet(t, Config{Stdout: path})
		out := child(t, s)[1]
		writeString(t, out, "all of it")
		out.Close()
		if got := <-client; got != "all of it" {
			t.Fatalf("got %q", got)
		}
		s.Close()
	}
}

func TestOutputNobodyReadsDelaysNothingForLong(t *testing.T) {
	s := openSet(t, Config{Stdout: mkfifo(t, "stdout"), Stderr: mkfifo(t, "stderr")})
	out := child(t, s)
	writeString(t, out[1], "to nobody")
	writeString(t, out[2], "to nobody")
}

func TestOutputOutlivesItsReader(t *testing.T) {
	path := mkfifo(t, "stdout")
	s := openSet(t, Config{Stdout: path})
	out := child(t, s)[1]
	first := openEnd(t, path, unix.O_RDONLY)
	writeString(t, out, "one")
	if got := readString(t, first, 3); got != "one" {
		t.Errorf("got %q", got)
	}
	first.Close()
	writeString(t, out, "two") // no EPIPE, and not lost
	second := openEnd(t, path, unix.O_RDONLY)
	if got := readString(t, second, 3); got != "two" {
		t.Errorf("got %q", got)
	}
	out.Close()
	mustEOF(t, second) // the process's end is the stream's, with the Set still open
}

func TestFilesAreMadeAndAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "log")
	for range 2 {
		s := openSet(t, Config{Stdout: "file://" + path, Stderr: "file://" + path})
		files := child(t, s)
		writeString(t, files[1], "out\n")
		writeString(t, files[2], "err\n")
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "out\nerr\nout\nerr\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		config Config
		want   error
	}{
		"a FIFO that is not there":         {Config{Stdout: "/nowhere/fifo"}, os.ErrNotExist},
		"a stdin that is not there":        {Config{Stdin: "/nowhere/fifo"}, os.ErrNotExist},
		"a directory":                      {Config{Stderr: dir}, errNotFIFO},
		"a scheme nobody knows":            {Config{Stdout: "ttrpc+unix:///x"}, errdefs.ErrNotImplemented},
		"a file on another host":           {Config{Stdout: "file://host/x"}, errdefs.ErrInvalidArgument},
		"a logger that is not there":       {Config{Stdout: "binary:///nowhere/logger"}, os.ErrNotExist},
		"stdin from a logger":              {Config{Stdin: "binary:///bin/true"}, errNotFIFO},
		"a terminal's stdin from no FIFO":  {Config{Stdin: "/dev/null", Terminal: true}, errNotFIFO},
		"stdout good, stderr not there":    {Config{Stdout: mkfifo(t, "x"), Stderr: "/nowhere/fifo"}, os.ErrNotExist},
		"an address that cannot be parsed": {Config{Stdout: "file://%zz/x"}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			if _, err := Open(t.Context(), c.config); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d descriptors, before %d", after, before)
			}
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	in, out, errs := mkfifo(t, "stdin"), mkfifo(t, "stdout"), mkfifo(t, "stderr")
	hold := openEnd(t, in, unix.O_RDWR) // a client
	_ = hold
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	for i := range 50 {
		s, err := Open(t.Context(), Config{Stdin: in, Stdout: out, Stderr: errs})
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			s.Handed()
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
		s.Close()
	}
	if after := descriptors(t); after != fds {
		t.Errorf("%d descriptors, before %d", after, fds)
	}
	awaitGoroutines(t, goroutines)
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func awaitGoroutines(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > want {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), want, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

// FuzzAddress: an address is refused or has a path; a logger's arguments have nothing but what the query had.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"/run/x", "file:///a%20b", "binary:///l?a=b&c", "://", "fifo://h/p", "binary:///l?%zz=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		scheme, path, err := split(address)
		if err == nil && scheme != "" && path == "" {
			t.Errorf("%q is %q without a path", address, scheme)
		}
		_, query, _ := strings.Cut(address, "?")
		if n := len(loggerArgs(query)); n > 2*(1+strings.Count(query, "&")) {
			t.Errorf("%d arguments of %q", n, query)
		}
	})
}
