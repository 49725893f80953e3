package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

const (
	readyTimeout = 10 * time.Second       // for a logger to say that it is ready
	termTimeout  = 500 * time.Millisecond // from SIGTERM to SIGKILL; Drain has already waited by then
)

// logger is a program that reads the output of a container: containerd's binary:// protocol (core/runtime/v2/logging).
// It gets stdout as descriptor 3, stderr as 4, and says that it is ready by closing 5, or with binary-v2 by writing
// there.
type logger struct {
	cmd            *exec.Cmd
	stdout, stderr *os.File // the container's ends, until handed
	once           sync.Once
	exited         chan struct{}
}

func startLogger(ctx context.Context, c Config, address string) (_ *logger, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	var files []*os.File
	defer func() { // what the logger holds is closed here in any case
		for _, f := range files {
			_ = f.Close()
		}
	}()
	l := &logger{exited: make(chan struct{})}
	defer func() {
		if err != nil {
			l.handed()
		}
	}()
	for _, end := range []**os.File{&l.stdout, &l.stderr} {
		r, w, err := pipe()
		if err != nil {
			return nil, err
		}
		files, *end = append(files, r), w
		if c.Terminal { // the console writes, and must not be caught in a Write when it is closed
			if *end, err = pollable(w); err != nil {
				return nil, err
			}
		}
	}
	ready, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	files = append(files, w)

	l.cmd = exec.Command(u.Path, loggerArgs(u.RawQuery)...)
	l.cmd.Env = []string{"CONTAINER_ID=" + c.ID, "CONTAINER_NAMESPACE=" + c.Namespace}
	l.cmd.ExtraFiles = files
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("logger: %w", err)
	}
	go l.wait()
	_ = w.Close()
	if err := awaitReady(ctx, ready, u.Scheme == "binary-v2"); err != nil {
		l.close()
		return nil, fmt.Errorf("logger %s: %w", u.Path, err)
	}
	return l, nil
}

// loggerArgs are the address's query as arguments, in its own order: each key, then its value.
func loggerArgs(query string) []string {
	var args []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, ok := strings.Cut(pair, "=")
		for i, part := range []string{key, value} {
			if i == 0 && part == "" || i == 1 && !ok {
				break
			}
			if plain, err := url.QueryUnescape(part); err == nil {
				part = plain
			}
			args = append(args, part)
		}
	}
	return args
}

func awaitReady(ctx context.Context, ready *os.File, needByte bool) error {
	deadline := time.Now().Add(readyTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := ready.SetReadDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })
	defer stop()
	switch n, err := ready.Read(make([]byte, 1)); {
	case n == 1:
		return nil
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("await ready: %w", err)
	case needByte:
		return fmt.Errorf("ended before it was ready: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// wait reaps the logger. It ends when the logger does, which close sees to.
func (l *logger) wait() {
	_ = l.cmd.Wait() // how a logger ends is its own affair
	close(l.exited)
}

// handed closes the shim's copies of the container's ends. Once the container is gone too the logger reads EOF.
func (l *logger) handed() {
	l.once.Do(func() {
		for _, f := range []*os.File{l.stdout, l.stderr} {
			if f != nil {
				_ = f.Close()
			}
		}
	})
}

// close ends the logger: it has had its EOF, then SIGTERM, then SIGKILL. It may be called again.
func (l *logger) close() {
	l.handed()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-l.exited:
			return
		default:
		}
		_ = l.cmd.Process.Signal(signal) // gone is what we want
		select {
		case <-l.exited:
			return
		case <-time.After(termTimeout):
		}
	}
	<-l.exited
}

// pollable returns w as a file whose blocked Write ends with its Close.
func pollable(w *os.File) (*os.File, error) {
	defer w.Close()
	fd, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), w.Name()), nil
}

// pipe is a pipe whose ends block, as a child expects of its standard streams; those of os.Pipe do not.
func pipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fds[0]), "logger read"), os.NewFile(uintptr(fds[1]), "logger write"), nil
}
