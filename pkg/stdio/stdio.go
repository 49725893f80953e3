package stdio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
)

// Config names the streams of one process.
type Config struct {
	// Namespace and ID are the container's, told to a logger.
	Namespace, ID string
	// Stdin, Stdout and Stderr are containerd's addresses: the path of a FIFO or a file, file:///path, binary:///path,
	// or "" for none.
	Stdin, Stdout, Stderr string
	// Terminal says that the process has a terminal: its streams are the pty given to Attach. There is no Stderr then.
	Terminal bool
}

// Set holds the streams of one process. Whoever opened it calls Close, also after an error of the process.
type Set struct {
	files   [3]*os.File // the child's, until Handed
	keepers []*os.File  // read ends of the child's output FIFOs
	logger  *logger

	standIn *time.Timer // closes stdin; nil if a client has it

	// of a terminal
	in, out *os.File

	mu      sync.Mutex
	stdin   *os.File // write end of stdin that keeps it from ending
	console *console
	closed  bool
}

// Open opens the streams. An address it cannot use is an error that names the stream; ctx bounds the wait for a logger
// and for clients that have yet to open their FIFOs.
func Open(ctx context.Context, c Config) (_ *Set, err error) {
	s := &Set{}
	readers, cancel := context.WithTimeout(ctx, readerTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := s.openStdin(c); err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	stdout, err := s.openOutput(ctx, readers, c, c.Stdout)
	if err != nil {
		return nil, fmt.Errorf("stdout: %w", err)
	}
	if c.Terminal {
		s.out = stdout
		if s.logger != nil {
			s.logger.stdout = nil // it is the console's now, not the child's
		}
		return s, nil
	}
	s.files[1] = stdout
	if s.logger != nil && (c.Stderr == c.Stdout || c.Stderr == "") {
		s.files[2] = s.logger.stderr
		return s, nil
	}
	if s.files[2], err = s.openOutput(ctx, readers, c, c.Stderr); err != nil {
		return nil, fmt.Errorf("stderr: %w", err)
	}
	return s, nil
}

// openOutput returns a file that writes to address, nil for none. Ctx is for a logger, readers for the reader of a FIFO.
func (s *Set) openOutput(ctx, readers context.Context, c Config, address string) (*os.File, error) {
	if address == "" {
		return nil, nil
	}
	scheme, path, err := split(address)
	if err != nil {
		return nil, err
	}
	switch scheme {
	case "":
		w, keeper, err := openOutputFIFO(path, c.Terminal, readers.Done())
		if keeper != nil {
			s.keepers = append(s.keepers, keeper)
		}
		return w, err
	case "file":
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	case "binary", "binary-v2":
		if s.logger != nil {
			return nil, fmt.Errorf("a second logger, %s: %w", address, errdefs.ErrInvalidArgument)
		}
		if s.logger, err = startLogger(ctx, c, address); err != nil {
			return nil, err
		}
		return s.logger.stdout, nil
	}
	return nil, fmt.Errorf("address %q: scheme %q: %w", address, scheme, errdefs.ErrNotImplemented)
}

// split takes an address apart; a plain path has no scheme.
func split(address string) (scheme, path string, err error) {
	if !strings.Contains(address, "://") {
		return "", address, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	switch {
	case u.Scheme == "fifo":
		return "", u.Path, nil
	case u.Path == "" || u.Host != "" && u.Scheme == "file":
		return "", "", fmt.Errorf("address %q has no absolute path: %w", address, errdefs.ErrInvalidArgument)
	}
	return u.Scheme, u.Path, nil
}

// Files are the child's descriptors 0, 1 and 2; nil is /dev/null. With a terminal all are nil.
func (s *Set) Files() [3]*os.File { return s.files }

// Handed says that the child has its own copies of Files: the shim's are closed, so that the end of the child is the end
// of its streams.
func (s *Set) Handed() {
	for i, f := range s.files {
		if f != nil {
			_ = f.Close()
			s.files[i] = nil
		}
	}
	if s.logger != nil {
		s.logger.handed()
	}
}

// Attach starts copying between the terminal's master, which it takes over, and the client.
func (s *Set) Attach(master *os.File) error {
	c, err := newConsole(master, s.in, s.out)
	if err != nil {
		return err
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.in, s.out, s.console = nil, nil, c
	}
	s.mu.Unlock()
	if closed {
		c.close()
		return fmt.Errorf("terminal: %w", os.ErrClosed)
	}
	return nil
}

// CloseStdin lets stdin end as soon as the client has closed its own end too.
func (s *Set) CloseStdin() {
	s.mu.Lock()
	stdin := s.stdin
	s.stdin = nil
	s.mu.Unlock()
	if stdin != nil {
		_ = stdin.Close()
	}
}

// Resize sets the terminal's size in characters. Without a terminal it is errdefs.ErrFailedPrecondition.
func (s *Set) Resize(width, height uint16) error {
	s.mu.Lock()
	c := s.console
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("process has no terminal: %w", errdefs.ErrFailedPrecondition)
	}
	return c.resize(width, height)
}

// Drain waits, after the end of the process, until what it wrote has reached the client or the logger, or ctx is done,
// which is its error.
func (s *Set) Drain(ctx context.Context) error {
	s.mu.Lock()
	c := s.console
	s.mu.Unlock()
	if c != nil {
		select {
		case <-c.drained:
		case <-ctx.Done():
			return fmt.Errorf("drain terminal: %w", ctx.Err())
		}
		c.finish()
	}
	if s.logger != nil {
		s.logger.handed()
		select {
		case <-s.logger.exited:
		case <-ctx.Done():
			return fmt.Errorf("drain logger: %w", ctx.Err())
		}
	}
	return nil
}

// Close releases everything and ends a logger that has not ended by itself. It is idempotent.
func (s *Set) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	c, stdin := s.console, s.stdin
	s.console, s.stdin = nil, nil
	s.mu.Unlock()

	if s.standIn != nil {
		s.standIn.Stop()
	}
	s.Handed()
	if c != nil {
		c.close()
	}
	for _, f := range append(s.keepers, stdin, s.in, s.out) {
		if f != nil {
			_ = f.Close()
		}
	}
	if s.logger != nil {
		s.logger.close()
	}
}

var errNotFIFO = errors.New("neither a FIFO nor a file")
