package preview1

import (
	"errors"

	"golang.org/x/sys/unix"
)

// strings puts a list into the guest's memory: pointers, and what they point to, each with a NUL behind it.
func (h *Host) strings(list []string, pointers, text uint32) Errno {
	for i, s := range list {
		b, ok := h.Bytes(text, uint32(len(s)+1))
		if !ok {
			return fault
		}
		copy(b, s)
		b[len(s)] = 0
		if e := h.put32(pointers+uint32(4*i), text); e != Success {
			return e
		}
		text += uint32(len(s) + 1)
	}
	return Success
}

// sizes puts how many there are, and the bytes of them all.
func (h *Host) sizes(list []string, count, size uint32) Errno {
	sum := 0
	for _, s := range list {
		sum += len(s) + 1
	}
	if e := h.put32(count, uint32(len(list))); e != Success {
		return e
	}
	return h.put32(size, uint32(sum))
}

// The clocks of WASI, by their numbers.
var clocks = []int32{unix.CLOCK_REALTIME, unix.CLOCK_MONOTONIC, unix.CLOCK_PROCESS_CPUTIME_ID, unix.CLOCK_THREAD_CPUTIME_ID}

func now(clock uint32) (int64, error) {
	if clock >= uint32(len(clocks)) {
		return 0, unix.EINVAL
	}
	var t unix.Timespec
	if err := unix.ClockGettime(clocks[clock], &t); err != nil {
		return 0, err
	}
	return t.Nano(), nil
}

func (h *Host) clockTime(clock, at uint32) Errno {
	t, err := now(clock)
	if err != nil {
		return ErrnoOf(err)
	}
	return h.put64(at, uint64(t))
}

func (h *Host) random(at, length uint32) Errno {
	b, ok := h.Bytes(at, length)
	if !ok {
		return fault
	}
	for len(b) > 0 {
		n, err := unix.Getrandom(b, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return ErrnoOf(err)
		}
		b = b[max(n, 0):]
	}
	return Success
}
