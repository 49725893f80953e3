package sandbox

import (
	"os"

	"golang.org/x/sys/unix"
)

// pollEnd returns when the runner has ended and is there to be waited for. os.Process.Wait alone would hold a thread in
// waitid(2) for as long as the container runs, and Go's threads are never given back: 50 containers in one shim were 50
// threads and 2.5 MB. The poller holds none. Where it cannot be used (PIDFD_NONBLOCK is Linux 5.10) Wait does the waiting.
func (l *living) pollEnd() {
	fd, err := unix.PidfdOpen(l.pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd") // non-blocking, so it goes to the poller
	defer pidfd.Close()
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return
	}
	// An error is a pidfd that the poller does not take.
	_ = conn.Read(func(fd uintptr) (ended bool) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}
