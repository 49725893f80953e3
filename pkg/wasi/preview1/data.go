package preview1

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// vector is the first part of an iovec array that is not empty. POSIX lets a call move fewer bytes than asked for, and Go's have one part.
func (h *Host) vector(at, count uint32) ([]byte, bool) {
	for i := range count {
		v, ok := h.Bytes(at+8*i, 8)
		if !ok {
			return nil, false
		}
		b, ok := h.Bytes(binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint32(v[4:]))
		if !ok || len(b) > 0 {
			return b, ok
		}
	}
	return nil, true
}

// moved tells the guest how many bytes a call has moved, which is n.
func (h *Host) moved(at uint32, n int, err error) Errno {
	if err != nil {
		return ErrnoOf(err)
	}
	return h.put32(at, uint32(n))
}

func (h *Host) read(n, vectors, count, at uint32) Errno {
	d := h.descriptors[n]
	b, ok := h.vector(vectors, count)
	switch {
	case d == nil:
		return badf
	case !ok:
		return fault
	case d.kind == directory:
		return isDir
	case len(b) == 0:
		return h.put32(at, 0)
	}
	return h.transfer(d, unix.POLLIN, at, func() (int, error) { return unix.Read(d.fd, b) })
}

// atOnce is how much is written at a time to what might block in the middle: PIPE_BUF, which a pipe that can be written to has room for.
const atOnce = 4096

func (h *Host) write(n, vectors, count, at uint32) Errno {
	d := h.descriptors[n]
	b, ok := h.vector(vectors, count)
	switch {
	case d == nil:
		return badf
	case !ok:
		return fault
	case d.standard && d.flags&flagNonblock != 0 && d.kind != regularFile && len(b) > atOnce:
		b = b[:atOnce]
	}
	return h.transfer(d, unix.POLLOUT, at, func() (int, error) { return unix.Write(d.fd, b) })
}

// transfer does move, without waiting if the descriptor is not to block.
func (h *Host) transfer(d *descriptor, event int16, at uint32, move func() (int, error)) Errno {
	nonblock := d.flags&flagNonblock != 0
	if nonblock && d.standard && event == unix.POLLIN && h.held() {
		return again
	}
	if d.standard && nonblock && d.kind != regularFile {
		ready, err := await(d.fd, event, &unix.Timespec{})
		if err != nil {
			return ErrnoOf(err)
		}
		if !ready {
			return again
		}
	}
	for {
		n, err := move()
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN) && !nonblock:
			if _, err := await(d.fd, event, nil); err != nil {
				return ErrnoOf(err)
			}
		default:
			return h.moved(at, n, err)
		}
	}
}

// await waits for an event on a descriptor, for as long as it takes without a timeout.
func await(fd int, event int16, timeout *unix.Timespec) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: event}}
	for {
		n, err := unix.Ppoll(fds, timeout, nil)
		if !errors.Is(err, unix.EINTR) {
			return n > 0, err
		}
	}
}

func (h *Host) pread(n, vectors, count uint32, offset uint64, at uint32) Errno {
	d := h.descriptors[n]
	b, ok := h.vector(vectors, count)
	switch {
	case d == nil:
		return badf
	case !ok:
		return fault
	}
	moved, err := unix.Pread(d.fd, b, int64(offset))
	return h.moved(at, moved, err)
}

func (h *Host) pwrite(n, vectors, count uint32, offset uint64, at uint32) Errno {
	d := h.descriptors[n]
	b, ok := h.vector(vectors, count)
	switch {
	case d == nil:
		return badf
	case !ok:
		return fault
	}
	moved, err := unix.Pwrite(d.fd, b, int64(offset))
	return h.moved(at, moved, err)
}

// Hold keeps the guest from reading standard input while something can be read from the descriptor fd, so that it hears of that first: what is
// typed after Ctrl-C is not for the one that Ctrl-C ends.
func (h *Host) Hold(fd int) { h.holder, h.holds = fd, true }

func (h *Host) held() bool {
	if !h.holds {
		return false
	}
	ready, err := await(h.holder, unix.POLLIN, &unix.Timespec{})
	return ready && err == nil
}
