package cache

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Classes of ioprio_set(2), which x/sys has not got.
const (
	bestEffort = 2 // IOPRIO_CLASS_BE
	idle       = 3 // IOPRIO_CLASS_IDLE
)

// BeIdle has this whole process take what others leave of processor and disk.
func BeIdle() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		// One that has ended meanwhile is of no consequence; those to come take after the ones there are.
		if err := setIdle(tid); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// setIdle gives the thread tid, 0 being the caller's, what processor and disk have to spare (sched(7), ioprio_set(2)).
func setIdle(tid int) error {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
	if err := unix.SchedSetAttr(tid, attr, 0); err != nil {
		return os.NewSyscallError("sched_setattr", err)
	}
	return setDiskPriority(tid, idle)
}

// hurry gives the process pid the priority of a worker that somebody waits for. It is a favour: a thread that is gone, or
// comes only now, does not matter.
func hurry(pid int) {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: workerNice}, 0)
		_ = setDiskPriority(tid, bestEffort)
	}
}

func setDiskPriority(tid, class int) error {
	const (
		process = 1  // IOPRIO_WHO_PROCESS
		shift   = 13 // IOPRIO_CLASS_SHIFT
		middle  = 4  // of the levels of a class
	)
	_, _, err := unix.Syscall(unix.SYS_IOPRIO_SET, process, uintptr(tid), uintptr(class<<shift|middle))
	if err != 0 && !errors.Is(err, unix.ENOSYS) { // a kernel without a block layer
		return os.NewSyscallError("ioprio_set", err)
	}
	return nil
}
