package shim

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/settings"
)

// logName is the FIFO in the bundle whose other end containerd copies to its own log.
const logName = "log"

// openLog sends the log, and whatever the Go runtime has to say before it dies, to containerd. Without the FIFO, as in a
// shim that is started by hand, stderr stays what it is.
func openLog(f flags, set settings.Values) error {
	level := set.LogLevel
	if level == "" && f.debug {
		level = log.DebugLevel.String()
	}
	if level != "" {
		if err := log.SetLevel(level); err != nil {
			return err
		}
	}
	if set.LogFormat == "json" {
		if err := log.SetFormat(log.JSONFormat); err != nil {
			return err
		}
	}
	// As containerd's own shim does: the lines of all shims are in one log.
	log.L = log.L.WithField("runtime", runtimeName).WithField("namespace", f.namespace)
	err := redirect(logName)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	log.L.Logger.SetOutput(logWriter{})
	return nil
}

// redirect makes the FIFO name the shim's descriptor 2.
func redirect(name string) error {
	// O_RDWR: the shim is a reader too, so that a log line while containerd is away is no SIGPIPE. O_NONBLOCK: when
	// nobody reads, lines are dropped.
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	return os.NewSyscallError("dup3", unix.Dup3(fd, unix.Stderr, 0))
}

// logWriter writes to descriptor 2 and never blocks. os.Stderr would wait until the FIFO can take the line, with the
// logger's lock held.
type logWriter struct{}

func (logWriter) Write(line []byte) (int, error) {
	_, _ = unix.Write(unix.Stderr, line) // a line more than the FIFO holds is dropped
	return len(line), nil
}

// maxStacks bounds a dump of all goroutines, in bytes.
const maxStacks = 1 << 20

// dumpStacks writes what every goroutine is doing to the log.
func dumpStacks() {
	stacks := make([]byte, maxStacks)
	stacks = stacks[:runtime.Stack(stacks, true)]
	fmt.Fprintf(log.L.Logger.Out, "=== BEGIN goroutine stack dump ===\n%s=== END goroutine stack dump ===\n", stacks)
}
