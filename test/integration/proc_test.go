package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pid is the container's init as text.
func (c *container) pid() string { return strconv.Itoa(int(c.task.Pid())) }

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// procFile reads a file of /proc of a process.
func procFile(t *testing.T, pid uint32, name string) string {
	t.Helper()
	return readFile(t, fmt.Sprintf("/proc/%d/%s", pid, name))
}

// nsOf identifies a namespace of a process.
func nsOf(t *testing.T, pid, ns string) string {
	t.Helper()
	link, err := os.Readlink(filepath.Join("/proc", pid, "ns", ns))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// nsenter runs a command in one namespace of a process: --net, --uts.
func nsenter(t *testing.T, pid, which string, command ...string) string {
	t.Helper()
	cmd := exec.Command("nsenter", append([]string{"--target", pid, which}, command...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}

// inNetns runs a command in the network namespace of a process, and a mount namespace whose /proc/sys/net is that one's.
func inNetns(t *testing.T, pid string, command ...string) string {
	t.Helper()
	return nsenter(t, pid, "--net", command...)
}

// owner returns user and group of a file.
func owner(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	return st.Uid, st.Gid
}

// awaitEnd returns when a process, which need not be a child, has ended.
func awaitEnd(t *testing.T, pid uint32) {
	t.Helper()
	fd, err := unix.PidfdOpen(int(pid), 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(polled, int(patience/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("process %d does not end: %v", pid, err)
		}
		return
	}
}
