package stdio

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal is a Set with a terminal, and both sides of it: the client's FIFOs and the process's tty.
type terminal struct {
	set     *Set
	in, out *os.File
	tty     *os.File
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	in, out := mkfifo(t, "stdin"), mkfifo(t, "stdout")
	x := &terminal{set: openSet(t, Config{Stdin: in, Stdout: out, Terminal: true})}
	x.in, x.out = openEnd(t, in, unix.O_WRONLY), openEnd(t, out, unix.O_RDONLY)
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	x.tty = tty
	raw(t, tty)
	if files := child(t, x.set); files != [3]*os.File{} {
		t.Errorf("the child has files %v beside its terminal", files)
	}
	if err := x.set.Attach(master); err != nil {
		t.Fatal(err)
	}
	return x
}

// raw turns the line discipline off: what goes in comes out.
func raw(t *testing.T, tty *os.File) {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Lflag, mode.Oflag = 0, 0
	if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
}

func TestTerminalCopiesBothWays(t *testing.T) {
	x := newTerminal(t)
	writeString(t, x.in, "ping\n")
	if got := readString(t, x.tty, 5); got != "ping\n" {
		t.Errorf("got %q", got)
	}
	writeString(t, x.tty, "pong\n")
	if got := readString(t, x.out, 5); got != "pong\n" {
		t.Errorf("got %q", got)
	}
}

func TestTerminalOutlivesItsClient(t *testing.T) {
	x := newTerminal(t)
	path := x.in.Name()
	x.in.Close()
	again := openEnd(t, path, unix.O_WRONLY)
	writeString(t, again, "back")
	if got := readString(t, x.tty, 4); got != "back" {
		t.Errorf("got %q", got)
	}
}

func TestTerminalResizes(t *testing.T) {
	x := newTerminal(t)
	if err := x.set.Resize(123, 45); err != nil {
		t.Fatal(err)
	}
	size, err := pty.GetsizeFull(x.tty)
	if err != nil || size.Cols != 123 || size.Rows != 45 {
		t.Errorf("size %v, %v", size, err)
	}
	if err := openSet(t, Config{}).Resize(1, 1); !errors.Is(err, errdefs.ErrFailedPrecondition) {
		t.Errorf("without a terminal: %v", err)
	}
}

func TestTerminalDrains(t *testing.T) {
	x := newTerminal(t)
	writeString(t, x.tty, "last words")
	x.tty.Close()
	if err := x.set.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := readString(t, x.out, 10); got != "last words" {
		t.Errorf("got %q", got)
	}
	mustEOF(t, x.out) // with the Set still open
}

// TestTerminalDrainIsBounded: nobody reads, more than a FIFO holds is written, and still Drain and Close return.
func TestTerminalDrainIsBounded(t *testing.T) {
	x := newTerminal(t)
	if _, err := unix.FcntlInt(x.out.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan struct{})
	go func() { // ends when the pty is full, or its master closed
		defer close(wrote)
		for range 64 {
			if _, err := x.tty.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := x.set.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drain: %v", err)
	}
	x.set.Close()
	<-wrote
}

func TestTerminalLeavesNothing(t *testing.T) {
	in, out := mkfifo(t, "stdin"), mkfifo(t, "stdout")
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	for range 20 {
		s, err := Open(t.Context(), Config{Stdin: in, Stdout: out, Terminal: true})
		if err != nil {
			t.Fatal(err)
		}
		master, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Attach(master); err != nil {
			t.Fatal(err)
		}
		s.CloseStdin()
		tty.Close()
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
	awaitGoroutines(t, goroutines)
	if after := descriptors(t); after != fds {
		t.Errorf("%d descriptors, before %d", after, fds)
	}
}

func TestAttachAfterClose(t *testing.T) {
	s, err := Open(t.Context(), Config{Terminal: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := s.Attach(master); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
