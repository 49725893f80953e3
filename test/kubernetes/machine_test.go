package kubernetes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

const nodeName = "node.test"

// commandTimeout bounds one command in the machine: above what kubectl is told to wait for.
const commandTimeout = 2 * time.Minute

// machine is where the node's programs run: namespaces with an init, and a directory that holds their files.
type machine struct {
	*daemon.Namespaces

	dir   string // on the host; what is mounted in the machine only is not to be seen below it
	pid   int    // of its init, on the host
	group string // name of the control group in every hierarchy, below which the pods have theirs
}

// newMachine starts a machine. When the test ends it is stopped, and all that is left in it killed; what is left on the host is an error.
func newMachine(t *testing.T) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "wgk")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{dir: dir, group: filepath.Base(dir)}
	t.Cleanup(func() { m.end(t) })
	for _, d := range []string{"root", "tools"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(toolsOf(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(daemon.Tool(t, daemon.Kubernetes)), toolsOf(dir)); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	m.Namespaces = daemon.NamespacesOf(t, m.pid)
	m.makeGroups(t)
	for _, command := range []string{
		"ip link set lo up",
		// The address of the node, which pods reach it by.
		"ip link add node type bridge", "ip address add " + nodeAddress + "/24 dev node", "ip link set node up", "ip route add default dev node",
		"sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1",
	} {
		words := strings.Fields(command)
		m.run(t, words[0], words[1:]...)
	}
	return m
}

// start starts the init. It ends with the goroutine that waits for it: the kernel sends it SIGKILL when that one's thread ends.
func (m *machine) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), initVariable+"="+m.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		started <- cmd.Start()
		ended <- cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	m.pid = cmd.Process.Pid
	t.Cleanup(func() {
		stdin.Close()
		if err := <-ended; err != nil {
			t.Errorf("init of the machine: %v", err)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("init of the machine says %q (%v)", line, err)
	}
}

// path is where a file of the machine is to be found from the host, mounts and all.
func (m *machine) path(file string) string { return fmt.Sprintf("/proc/%d/root%s", m.pid, file) }

// write makes a file in the machine, and directories above it.
func (m *machine) write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(file)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path(file), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in the machine that must succeed, and returns what it printed on stdout.
func (m *machine) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	stdout, stderr, err := m.try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// try runs a command in the machine.
func (m *machine) try(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return m.tryIn(t.Context(), name, args...)
}

// tryAfter is try for when the test's context is over.
func (m *machine) tryAfter(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return m.tryIn(context.WithoutCancel(t.Context()), name, args...)
}

func (m *machine) tryIn(ctx context.Context, name string, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var out, errs strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = m.env()
	err = m.Do(cmd.Run)
	return out.String(), errs.String(), err
}

// env is the environment of the machine's programs.
func (m *machine) env() []string {
	return []string{"PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "KUBECONFIG=/etc/kubernetes/admin.conf"}
}

// hierarchies are the directories at which control groups are mounted.
func hierarchies() []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return []string{"/sys/fs/cgroup"}
	}
	dirs, _ := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs") // the pattern is well-formed
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs
}

// makeGroups makes the machine's control group in every hierarchy.
func (m *machine) makeGroups(t *testing.T) {
	t.Helper()
	for _, h := range hierarchies() {
		dir := filepath.Join(h, m.group)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		// A new group of v1 has no processors and no memory nodes of its own.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(h, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), value, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// groupFile reads a file of the control group of a container, wherever in a hierarchy that is.
func (m *machine) groupFile(t *testing.T, container, name string) string {
	t.Helper()
	for _, h := range hierarchies() {
		var found string
		err := filepath.WalkDir(filepath.Join(h, m.group), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Name() == name && strings.Contains(path, container) {
				found = path
				return fs.SkipAll
			}
			return nil // a group that goes away meanwhile is not the one
		})
		if err != nil {
			t.Fatal(err)
		}
		if found != "" {
			b, err := os.ReadFile(found)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	t.Fatalf("no control group of %s has %s", container, name)
	return ""
}

// end looks for what is left on the host once the machine has ended, and removes it.
func (m *machine) end(t *testing.T) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(info), m.dir) {
		t.Errorf("mounts below %s are left (%v)", m.dir, err)
	}
	err = daemon.Settle(func() error {
		var errs []error
		for _, h := range hierarchies() {
			errs = append(errs, removeGroups(filepath.Join(h, m.group)))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(m.dir); err != nil {
		t.Error(err)
	}
}

// removeGroups removes a group and those below it. The kernel refuses while there are processes in one.
func removeGroups(dir string) error {
	children, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, c := range children {
		if c.IsDir() {
			errs = append(errs, removeGroups(filepath.Join(dir, c.Name())))
		}
	}
	return errors.Join(append(errs, os.Remove(dir))...)
}

// groupsBelow returns all groups below one.
func groupsBelow(dir string) []string {
	var groups []string
	// A group that goes away meanwhile is an error of its own only.
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != dir {
			groups = append(groups, path)
		}
		return nil
	})
	return groups
}
