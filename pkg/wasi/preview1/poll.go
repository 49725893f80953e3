package preview1

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// Sizes and offsets of poll_oneoff's records.
const (
	subscriptionSize = 48
	eventSize        = 32
	maxSubscriptions = 1 << 16
)

// Kinds of events.
const (
	eventClock = iota
	eventRead
	eventWrite
)

// subscription is one thing waited for.
type subscription struct {
	userdata uint64
	kind     uint8
	poll     int   // index among what is polled, -1
	errno    Errno // known at once
	deadline int64 // of a clock, on the monotonic one
}

// poll is poll_oneoff: it waits until one of the events is there, and tells all that are.
func (h *Host) poll(in, out, count, used uint32) Errno {
	if count == 0 || count > maxSubscriptions {
		return inval
	}
	from, ok := h.Bytes(in, count*subscriptionSize)
	if !ok {
		return fault
	}
	h.polled = h.polled[:0]
	subscriptions := make([]subscription, count)
	earliest, ready := int64(-1), false
	start, err := now(monotonic)
	if err != nil {
		return ErrnoOf(err)
	}
	for i := range subscriptions {
		s := h.subscribe(from[i*subscriptionSize:], start)
		subscriptions[i] = s
		ready = ready || s.errno != Success
		if s.kind == eventClock && s.errno == Success && (earliest < 0 || s.deadline < earliest) {
			earliest = s.deadline
		}
	}
	if ready {
		earliest = start
	}
	if err := h.wait(earliest); err != nil {
		return ErrnoOf(err)
	}
	return h.tell(subscriptions, out, used)
}

const monotonic = 1

// subscribe reads one subscription.
func (h *Host) subscribe(b []byte, start int64) subscription {
	s := subscription{userdata: binary.LittleEndian.Uint64(b), kind: b[8], poll: -1}
	switch s.kind {
	case eventClock:
		clock, timeout, flags := binary.LittleEndian.Uint32(b[16:]), int64(binary.LittleEndian.Uint64(b[24:])), binary.LittleEndian.Uint16(b[40:])
		const absolute = 1
		if flags&absolute != 0 {
			t, err := now(clock)
			if err != nil {
				s.errno = ErrnoOf(err)
				return s
			}
			timeout -= t
		}
		const forever = 1 << 61 // no sum with the time overflows
		s.deadline = start + min(max(timeout, 0), forever)
	case eventRead, eventWrite:
		d := h.descriptors[binary.LittleEndian.Uint32(b[16:])]
		if d == nil {
			s.errno = badf
			return s
		}
		events := int16(unix.POLLIN)
		if s.kind == eventWrite {
			events = unix.POLLOUT
		}
		s.poll = len(h.polled)
		h.polled = append(h.polled, unix.PollFd{Fd: int32(d.fd), Events: events})
	default:
		s.errno = inval
	}
	return s
}

// wait waits for what is polled, until a time on the monotonic clock, or for as long as it takes if that is negative.
func (h *Host) wait(until int64) error {
	for {
		var timeout *unix.Timespec
		if until >= 0 {
			t, err := now(monotonic)
			if err != nil {
				return err
			}
			left := unix.NsecToTimespec(max(until-t, 0))
			timeout = &left
		}
		_, err := unix.Ppoll(h.polled, timeout, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// tell puts what has happened into the guest's memory.
func (h *Host) tell(subscriptions []subscription, out, used uint32) Errno {
	t, err := now(monotonic)
	if err != nil {
		return ErrnoOf(err)
	}
	n := uint32(0)
	for _, s := range subscriptions {
		var revents int16
		if s.poll >= 0 {
			revents = h.polled[s.poll].Revents
		}
		if s.errno == Success && (s.kind == eventClock && s.deadline > t || s.kind != eventClock && revents == 0) {
			continue
		}
		b, ok := h.Bytes(out+n*eventSize, eventSize)
		if !ok {
			return fault
		}
		clear(b)
		binary.LittleEndian.PutUint64(b, s.userdata)
		binary.LittleEndian.PutUint16(b[8:], uint16(s.errno))
		b[10] = s.kind
		if s.kind != eventClock {
			binary.LittleEndian.PutUint64(b[16:], 1)
			const hangup = 1
			if revents&unix.POLLHUP != 0 {
				b[24] = hangup
			}
		}
		n++
	}
	return h.put32(used, n)
}
