package daemon

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Netns is a network namespace that lives as long as the test. A nil Netns is the machine's.
type Netns struct {
	file *os.File
}

// NewNetns makes a network namespace with its loopback interface up.
func NewNetns(t testing.TB) *Netns {
	t.Helper()
	n := &Netns{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		n.file = f
		return loopbackUp()
	})
	if err != nil {
		t.Fatalf("network namespace: %v", err)
	}
	t.Cleanup(func() { n.file.Close() })
	return n
}

// loopbackUp sets the flag by ioctl: one bit needs no netlink library.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	ifreq, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifreq.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifreq))
}

// do calls f on a thread that is in the namespace; a process f starts is born in it.
func (n *Netns) do(f func() error) error {
	if n == nil {
		return f()
	}
	return onThread(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		return f()
	})
}

// The main goroutine keeps the main thread for itself: onThread could be given it otherwise, and Go does not end that
// one but leaves it, and with it /proc/self, in the last namespace it was in.
func init() { runtime.LockOSThread() }

// onThread calls f on an OS thread that ends with it, so that no other goroutine ever runs in what f entered.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- f()
	}()
	return <-done
}

// Dial connects from the namespace to an address with numbers.
func (n *Netns) Dial(network, address string) (c net.Conn, err error) {
	err = n.do(func() error {
		c, err = net.Dial(network, address)
		return err
	})
	return c, err
}

// Run runs a command in the namespace and returns what it printed on stdout.
func (n *Netns) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := n.do(cmd.Run); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &errs)
	}
	return out.String()
}

// Do calls f on a thread that is in the namespace. What f opens there stays in it.
func (n *Netns) Do(f func() error) error { return n.do(f) }

// Output runs a command in the namespace and returns what it printed, on stdout and stderr, and how it ended.
func (n *Netns) Output(name string, args ...string) (out string, err error) {
	cmd := exec.Command(name, args...)
	var all strings.Builder
	cmd.Stdout, cmd.Stderr = &all, &all
	err = n.do(cmd.Run)
	return all.String(), err
}
