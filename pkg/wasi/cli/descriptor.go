package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// kind is what a standard stream's descriptor is, as far as waiting for it goes.
type kind byte

const (
	// promptKind: files, /dev/null and the like. Reads and writes take as long as they take.
	promptKind kind = iota
	// pipeKind: pipes and sockets. Reads wait for a writer, writes for a reader.
	pipeKind
	// terminalKind: as pipes, with a person at the other end.
	terminalKind
)

func kindOf(fd int) (kind, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("standard stream %d: %w", fd, os.NewSyscallError("fstat", err))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK:
		return pipeKind, nil
	case unix.S_IFCHR:
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			return terminalKind, nil
		}
	}
	return promptKind, nil
}

// again does a read or write again that a signal has interrupted.
func again(do func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		if n, err := do(fd, b); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// now asks poll(2) without waiting.
func now(fd int, events int16) (bool, error) {
	for {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds[:], 0)
		if !errors.Is(err, unix.EINTR) {
			return n > 0, os.NewSyscallError("poll", err)
		}
	}
}
