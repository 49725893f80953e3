package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopTimeout is what a daemon gets to end after SIGTERM. dockerd takes up to 15 s when it has to kill containers.
const stopTimeout = 20 * time.Second

// process is one daemon and its log.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has been waited for
	err  error         // of Wait; read after done
	log  *log
}

// log keeps what a daemon wrote, over its restarts.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// place is where a program is started: Netns, Namespaces.
type place interface {
	do(f func() error) error
}

// spawn starts a daemon in a place, which may be a nil Netns.
func spawn(ns place, log *log, env []string, name string, args ...string) (*process, error) {
	// The log goes through a file descriptor of the child's own, so that Wait does not wait for the shims that inherit it.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p := &process{name: name, cmd: exec.Command(name, args...), done: make(chan struct{}), log: log}
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := ns.do(p.cmd.Start); err != nil {
		r.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go p.copyLog(r)
	go p.wait()
	return p, nil
}

// copyLog ends when the daemon and whatever inherited its log have ended.
func (p *process) copyLog(r *os.File) {
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		p.log.Write(buf[:n]) // never fails: memory
		if err != nil {
			return
		}
	}
}

func (p *process) wait() {
	p.err = p.cmd.Wait()
	close(p.done)
}

// ready calls ping until it succeeds: there is no event for it that does not change the daemon's environment.
func (p *process) ready(timeout time.Duration, ping func() error) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	err := errors.New("not asked yet")
	for {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w\n%s", p.name, p.err, tail(p.log.String()))
		case <-deadline.C:
			return fmt.Errorf("%s does not answer after %v: %w\n%s", p.name, timeout, err, tail(p.log.String()))
		case <-tick.C:
			if err = ping(); err == nil {
				return nil
			}
		}
	}
}

// stop asks, and kills what does not listen. It returns an error when it had to.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
	}
	return errors.Join(fmt.Errorf("%s did not end within %v of SIGTERM", p.name, stopTimeout), p.kill())
}

// kill ends the process at once.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// printOnFailure shows the log when the test has failed.
func (l *log) printOnFailure(t testing.TB, name string) {
	if t.Failed() {
		t.Logf("log of %s:\n%s", name, tail(l.String()))
	}
}

// tail returns the end of a log, less the lines of containerd's plugins that are loaded: enough to see what went wrong.
func tail(s string) string {
	const most = 30 << 10
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "loading plugin") {
			b.WriteString(line)
		}
	}
	s = b.String()
	if len(s) <= most {
		return s
	}
	s = s[len(s)-most:]
	return "...\n" + s[strings.IndexByte(s, '\n')+1:]
}
