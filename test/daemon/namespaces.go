package daemon

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Namespaces are those of one process. What is started in them sees the files, networks, processes and names that it sees.
type Namespaces struct {
	files []*os.File
}

// NamespacesOf returns the namespaces of a process, which are kept until the test ends.
func NamespacesOf(t testing.TB, pid int) *Namespaces {
	t.Helper()
	n := &Namespaces{}
	t.Cleanup(func() {
		for _, f := range n.files {
			f.Close()
		}
	})
	// The mount namespace is last: the others are looked for in the /proc of here.
	for _, kind := range []string{"net", "uts", "ipc", "pid", "mnt"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil {
			t.Fatal(err)
		}
		n.files = append(n.files, f)
	}
	return n
}

// Do calls f on a thread that is in the namespaces; a process that f starts is born in them. The thread itself keeps its process id.
func (n *Namespaces) Do(f func() error) error { return n.do(f) }

func (n *Namespaces) do(f func() error) error {
	return onThread(func() error {
		// Root and working directory become the thread's own, or it could not change its mounts.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		for _, file := range n.files {
			if err := unix.Setns(int(file.Fd()), 0); err != nil {
				return os.NewSyscallError("setns "+file.Name(), err)
			}
		}
		return f()
	})
}

// Process is a daemon that this package knows nothing of, with its log.
type Process struct {
	p     *process
	spawn func() (*process, error)
	ping  func() error
}

// Start starts a daemon in the namespaces, and calls ping until it succeeds. It is stopped when the test ends, and its log shown if
// the test has failed.
func (n *Namespaces) Start(t testing.TB, env []string, ping func() error, path string, args ...string) *Process {
	t.Helper()
	log := &log{}
	d := &Process{ping: ping, spawn: func() (*process, error) { return spawn(n, log, env, path, args...) }}
	t.Cleanup(func() {
		defer log.printOnFailure(t, path)
		if d.p == nil {
			return
		}
		if err := d.p.stop(); err != nil {
			t.Error(err)
		}
	})
	d.Again(t)
	return d
}

// Again starts a daemon that has been stopped or killed, which may be in another test than it was first started in.
func (d *Process) Again(t testing.TB) {
	t.Helper()
	p, err := d.spawn()
	if err != nil {
		t.Fatal(err)
	}
	d.p = p
	if err := p.ready(startTimeout, d.ping); err != nil {
		t.Fatal(err)
	}
}

// Log is what the process has written.
func (d *Process) Log() string { return d.p.log.String() }

// Stop ends the process with SIGTERM.
func (d *Process) Stop() error { return d.p.stop() }

// Kill ends the process with SIGKILL.
func (d *Process) Kill() error { return d.p.kill() }

// Settle calls check until it finds nothing, for as long as leftovers are given to go away, and returns what it found last.
func Settle(check func() error) error { return settle(check) }

// Within calls check until it succeeds or the time is over; then the test fails with what it said last.
func Within(t testing.TB, timeout time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", timeout, err)
		}
		<-tick.C
	}
}
