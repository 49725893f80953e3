package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// Add moves a running process into the group, in every hierarchy. It is the slow way: on v1 each hierarchy costs the
// kernel an RCU grace period. A process that is started for the group is better born in it, see AddThread and FD.
func (g *Group) Add(pid int) error {
	for _, dir := range g.dirs() {
		if err := cgroups.WriteCgroupProc(dir, pid); err != nil {
			return fmt.Errorf("add %d to %s: %w", pid, dir, err)
		}
	}
	g.Settle()
	return nil
}

// AddThread moves one thread into the group's v1 hierarchies, so that what it forks is born there. It is meant for the
// calling thread, tid being unix.Gettid(): then it is fast. The thread must be locked to its goroutine and be
// thrown away afterwards, for nothing brings it back out. Hierarchies of cgroup v2 move whole processes only and are left
// out: start the child with FD there. A pids limit of 1 leaves no room for the child beside the thread.
//
// On a v2 host there is nothing to do and it does nothing.
func (g *Group) AddThread(tid int) error {
	if tid == os.Getpid() {
		// Go never ends the main thread, so it would stay there, and stand for the whole process: a Kill would be suicide.
		return fmt.Errorf("add thread %d to cgroup %s: it is the main thread: %w", tid, g.state.Path, errdefs.ErrInvalidArgument)
	}
	who := strconv.Itoa(tid)
	if tid == unix.Gettid() {
		// A "0" is the writer itself. For it the kernel need not lock out every fork and exit of the process, which is
		// what makes Add slow (cgroup_procs_write_start in kernel/cgroup/cgroup.c).
		who = "0"
	}
	for _, dir := range g.dirs() {
		if dir == g.unifiedDir() {
			continue
		}
		if err := cgroups.WriteFile(dir, "tasks", who); err != nil {
			return fmt.Errorf("add thread to %s: %w", dir, err)
		}
	}
	return nil
}

// FD opens the group's directory in the v2 hierarchy, for CLONE_INTO_CGROUP (syscall.SysProcAttr.CgroupFD). It is nil
// without error on a host that has no v2 hierarchy. The caller closes it.
func (g *Group) FD() (*os.File, error) {
	dir := g.unifiedDir()
	if dir == "" {
		return nil, nil
	}
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// Pids returns the processes in the group and the groups below it, as the caller's pid namespace numbers them. It is
// empty when the group is gone. The caller's own process is never among them: v1 counts it in while a thread of AddThread
// still lives, and it is no member.
func (g *Group) Pids() ([]int, error) {
	for _, dir := range g.dirs() {
		pids, err := processes(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("processes of cgroup %s: %w", g.state.Path, err)
		}
		return slices.DeleteFunc(pids, noMember), nil
	}
	return nil, nil
}

// noMember tells the numbers in cgroup.procs that are not a process of the group: the caller's own, and 0, by which the kernel
// shows those that have no number in the caller's pid namespace (and which kill(2) takes for the caller's process group).
func noMember(pid int) bool { return pid == 0 || pid == os.Getpid() }
