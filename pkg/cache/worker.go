package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
)

// nobody is the user and group of a worker.
const nobody = 65534

// maxComplaint is how much of what a worker says on its standard error is kept, in bytes.
const maxComplaint = 64 << 10

// Exit statuses of a worker.
const (
	exitInput     = 1 // what it was given is wrong
	exitComponent = 3 // what it was given is a component that this version of the runner cannot run
)

// job is what one worker is for.
type job struct {
	mode   string                  // of the runner
	feed   func(w io.Writer) error // writes its input
	output *os.File                // takes its result
	limits limits
	size   int64          // of its input, bytes; 0 if that is not known
	spent  *time.Duration // takes what it used of the processors; may be nil
	wanted string         // path of a file whose appearance ends idle priority; "" for none
	tell   func(Progress) // see Tell; may be nil
}

// inputError is a worker's verdict about its input.
type inputError struct {
	reason    string
	component bool // it may be otherwise for another version of the runner
}

// verb is what to say between the input's name and the reason.
func (e *inputError) verb() string {
	if e.component {
		return " cannot be run: "
	}
	return " cannot be compiled: "
}

func (e *inputError) Error() string { return e.reason }

// deadlineError says that a worker took too long.
type deadlineError struct{ limit time.Duration }

func (e deadlineError) Error() string { return fmt.Sprintf("not done after %v", e.limit) }

// run starts a worker for j and waits for its end. An *inputError is the worker's verdict; other errors are of the host.
//
// A worker reads what a stranger made, so it gets nothing but its three descriptors: it is process 1 of a PID namespace
// of its own, with no network, no IPC, no host name, its root directory is the runner's (which has nothing else in it), it is
// nobody, cannot gain privileges, and is bounded in memory, time, files and output. It dies with this process. Without root
// there are no namespaces and no other user: containers cannot be made then either, and only tests get here.
func (c *Cache) run(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeoutCause(ctx, j.limits.time, deadlineError{j.limits.time})
	defer cancel()
	tree, err := detached.Open(c.runner)
	if err != nil {
		return err
	}
	defer tree.Close()
	in, err := newPipe()
	if err != nil {
		return err
	}
	defer in.close()
	complaint, err := newPipe()
	if err != nil {
		return err
	}
	defer complaint.close()

	w, err := c.start(tree, j, in.r, complaint.w)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	// From here on there is a child, and every way out waits for it.
	in.r.Close()
	complaint.w.Close()
	said := make(chan []byte, 1)
	go func() { said <- listen(complaint.r) }()
	fed := make(chan error, 1)
	go func() {
		err := expendable(w.process.Pid)
		if err == nil {
			err = j.feed(in.w)
		}
		if err != nil && !errors.Is(err, unix.EPIPE) {
			w.kill()
		}
		in.w.Close()
		fed <- err
	}()
	c.attend(ctx, j, w)
	// The worker's end closes the far ends of both pipes, so neither of these waits for long.
	text, feedErr := <-said, <-fed
	if j.spent != nil && w.err == nil {
		*j.spent = w.state.UserTime() + w.state.SystemTime()
	}
	return j.verdict(ctx, w, feedErr, text)
}

// attend waits for the worker's end, which it brings about when ctx is done.
func (c *Cache) attend(ctx context.Context, j job, w *worker) {
	a := c.newAttendance(j, w.process.Pid)
	defer a.ticker.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-ctx.Done():
			w.kill()
			<-w.done
			return
		case now := <-a.ticker.C:
			a.tick(now)
		}
	}
}

// verdict turns a worker's end into an error.
func (j job) verdict(ctx context.Context, w *worker, feedErr error, text []byte) error {
	if w.err != nil {
		return fmt.Errorf("wait for the worker: %w", w.err)
	}
	if w.state.Success() && errors.Is(feedErr, unix.EPIPE) {
		return errors.New("the worker ended without having read its input")
	}
	if w.state.Success() {
		return feedErr
	}
	if feedErr != nil && !errors.Is(feedErr, unix.EPIPE) {
		return feedErr
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reason := strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("?"))))
	if code := w.state.ExitCode(); code == exitInput || code == exitComponent {
		return &inputError{reason: reason, component: code == exitComponent}
	}
	line, _, _ := strings.Cut(reason, "\n")
	if line == "" {
		line = "it said nothing"
	}
	return fmt.Errorf("the worker failed (%s): %s%s", w.state, line, j.suspicion(w.state))
}

// suspicion names the bound that a worker which failed had reached, if it had.
func (j job) suspicion(state *os.ProcessState) string {
	status, _ := state.Sys().(syscall.WaitStatus)
	info, err := j.output.Stat()
	switch {
	case err == nil && info.Size() >= j.limits.output:
		return fmt.Sprintf(" (its result reached the limit of %d bytes)", j.limits.output)
	// The kernel limits what it samples at each tick and tells what it measured, which on a busy host was a third less.
	case state.UserTime()+state.SystemTime() >= j.limits.cpu/2:
		return fmt.Sprintf(" (it reached the limit of %v of processor time)", j.limits.cpu)
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		return " (killed, most likely by the kernel because the host or its control group ran out of memory)"
	case status.Signaled():
		return fmt.Sprintf(" (crashed, or ran into the limit of %d bytes of memory)", j.limits.memory)
	}
	return ""
}

// worker is a started process. State and err are set when done is closed.
type worker struct {
	process *os.Process
	done    chan struct{}
	state   *os.ProcessState
	err     error
}

// kill ends the worker and all it may have started: it is process 1 of their namespace.
func (w *worker) kill() {
	// That it is gone already is as good, and its end is waited for in any case.
	_ = w.process.Kill()
}

// start starts a worker. The goroutine it leaves behind ends when done is closed.
func (c *Cache) start(tree *os.File, j job, stdin, stderr *os.File) (*worker, error) {
	w := &worker{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(w.done)
		// The thread is spent on this worker. It gives up privileges that it could not get back, and the worker is
		// killed when the thread that made it ends, which is when this process does and no earlier.
		runtime.LockOSThread()
		process, err := c.spawn(tree, j, stdin, stderr)
		w.process = process
		started <- err
		if err == nil {
			w.state, w.err = process.Wait()
		}
	}()
	return w, <-started
}

// spawn forks the worker off the calling thread.
func (c *Cache) spawn(tree *os.File, j job, stdin, stderr *os.File) (*os.Process, error) {
	// A shim that is nicer than that already stays so: to be less nice takes CAP_SYS_NICE.
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, workerNice); err != nil && !errors.Is(err, unix.EACCES) {
		return nil, os.NewSyscallError("setpriority", err)
	}
	if c.idle {
		if err := setIdle(0); err != nil {
			return nil, err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	// The child still has the descriptor when it resolves this: it is closed by the exec itself.
	dir := "/proc/self/fd/" + strconv.Itoa(int(tree.Fd()))
	bounds, err := j.limits.env()
	if err != nil {
		return nil, err
	}
	attr := &os.ProcAttr{
		Dir:   dir,
		Env:   []string{"WASMGO_RUNNER=" + j.mode, bounds},
		Files: []*os.File{stdin, j.output, stderr},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true},
	}
	path := filepath.Join(dir, "runner")
	if os.Geteuid() == 0 {
		path = "/runner"
		attr.Dir = "/"
		attr.Sys.Chroot = dir
		attr.Sys.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
		attr.Sys.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	process, err := os.StartProcess(path, []string{"wasmgo-" + j.mode}, attr)
	if errors.Is(err, unix.EPERM) && c.makeshift && attr.Sys.Cloneflags != 0 {
		attr.Sys.Cloneflags = 0
		process, err = os.StartProcess(path, []string{"wasmgo-" + j.mode}, attr)
	}
	return process, err
}

// listen reads r to its end and returns the beginning of it.
func listen(r io.Reader) []byte {
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(r, maxComplaint))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		fmt.Fprintf(&b, "\n(reading this: %v)", err)
	}
	return b.Bytes()
}

// pipe is both ends of one.
type pipe struct{ r, w *os.File }

func newPipe() (pipe, error) {
	r, w, err := os.Pipe()
	return pipe{r, w}, err
}

// close closes what is still open.
func (p pipe) close() {
	p.r.Close()
	p.w.Close()
}
