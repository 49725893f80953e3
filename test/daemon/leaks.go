package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settleTimeout is how long the last processes of a stopped daemon may take to be gone. A shim gives its events 2 s.
const settleTimeout = 10 * time.Second

// settle calls check until it finds nothing, and returns what it found last: processes that end, cgroups that empty and
// mounts that go with a namespace send no event to a bystander.
func settle(check func() error) error {
	deadline := time.Now().Add(settleTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

// checkClean looks for everything the daemon and its containers may have left, removes it, and returns what there was.
func (d *ContainerdDaemon) checkClean() error {
	err := settle(func() error {
		return errors.Join(noProcesses(d.Dir, d.Namespace), noMounts(d.Dir), noCgroups(d.Namespace))
	})
	pids, _ := processes(d.Dir, d.Namespace)
	killLeft(pids)
	for _, dir := range cgroups(d.Namespace) {
		removeCgroup(dir)
	}
	return err
}

// noProcesses returns an error that names the processes that were started with dir in their environment or arguments,
// or are in a control group of name.
func noProcesses(dir, group string) error {
	pids, err := processes(dir, group)
	if err != nil {
		return err
	}
	var errs []error
	for _, pid := range pids {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		state, _, _ := strings.Cut(string(status), "\nTgid")
		errs = append(errs, fmt.Errorf("process %d left: %q %q", pid, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}), state))
	}
	return errors.Join(errs...)
}

func processes(dir, group string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A process that ends meanwhile is none.
		read := func(file string) []byte {
			b, _ := os.ReadFile(filepath.Join("/proc", e.Name(), file))
			return b
		}
		groups := read("cgroup")
		if bytes.Contains(read("environ"), []byte(dir)) || bytes.Contains(read("cmdline"), []byte(dir)) ||
			bytes.Contains(groups, []byte("/"+group+"/")) || bytes.Contains(groups, []byte("/"+group+"\n")) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// noMounts returns an error that names the mounts on or from something below dir.
func noMounts(dir string) error {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var errs []error
	for line := range strings.Lines(string(info)) {
		if strings.Contains(line, dir) {
			errs = append(errs, fmt.Errorf("mount left: %s", strings.TrimSpace(line)))
		}
	}
	return errors.Join(errs...)
}

// noCgroups returns an error that names the control groups of containers in the group of a daemon.
func noCgroups(group string) error {
	var errs []error
	for _, dir := range cgroups(group) {
		children, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, c := range children {
			if c.IsDir() {
				errs = append(errs, fmt.Errorf("cgroup left: %s", filepath.Join(dir, c.Name())))
			}
		}
	}
	return errors.Join(errs...)
}

// cgroups returns the directories of the group in all mounted hierarchies.
func cgroups(group string) []string {
	v2, _ := filepath.Glob("/sys/fs/cgroup/" + group)
	v1, _ := filepath.Glob("/sys/fs/cgroup/*/" + group)
	return append(v2, v1...)
}

// removeCgroup removes a group and those below it, the empty ones only: rmdir removes no other.
func removeCgroup(dir string) {
	children, _ := os.ReadDir(dir)
	for _, c := range children {
		if c.IsDir() {
			removeCgroup(filepath.Join(dir, c.Name()))
		}
	}
	os.Remove(dir) // a group that is not empty has been reported
}
