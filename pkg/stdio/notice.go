package stdio

import (
	"strings"

	"golang.org/x/sys/unix"
)

// pipeBuf is what a write(2) to a FIFO takes as a whole or not at all, in bytes (PIPE_BUF, pipe(7)).
const pipeBuf = 4096

// Notice writes a line to the process's stderr, or to its terminal, before the process has them: between Open and Handed or
// Attach, from one goroutine at a time. It is a courtesy to whoever looks: where nothing can be written without waiting, or nobody asked
// for stderr, it writes nothing.
func (s *Set) Notice(line string) {
	f, end := s.files[2], "\n"
	if s.out != nil {
		f, end = s.out, "\r\n"
	}
	if f == nil {
		return
	}
	line = strings.ToValidUTF8(line[:min(len(line), pipeBuf-len(end))], "") + end
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(ready, 0); n == 1 && err == nil && ready[0].Revents&unix.POLLOUT != 0 {
			_, _ = unix.Write(int(fd), []byte(line))
		}
	})
}
