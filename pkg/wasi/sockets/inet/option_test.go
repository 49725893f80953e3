package inet

import (
	"math"
	"testing"
	"time"
)

// options are those that TCP and UDP sockets have.
type options interface {
	HopLimit() (uint8, error)
	SetHopLimit(uint8) error
	ReceiveBufferSize() (uint64, error)
	SetReceiveBufferSize(uint64) error
	SendBufferSize() (uint64, error)
	SetSendBufferSize(uint64) error
}

func TestOptions(t *testing.T) {
	n := newNetwork(t, Policy{})
	for name, s := range map[string]options{
		"tcp ipv4": newTCP(t, n, IPv4), "tcp ipv6": newTCP(t, n, IPv6), "udp ipv4": newUDP(t, n, IPv4), "udp ipv6": newUDP(t, n, IPv6),
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := s.HopLimit(); v != 64 || err != nil {
				t.Errorf("hop-limit is %d, %v from the start", v, err)
			}
			want(t, "hop-limit of 0", s.SetHopLimit(0), "invalid-argument")
			for _, v := range []uint8{1, 255, 17} {
				must(t, s.SetHopLimit(v))
				if got, err := s.HopLimit(); got != v || err != nil {
					t.Errorf("hop-limit is %d, %v, want %d", got, err, v)
				}
			}
			for name, size := range map[string]struct {
				get func() (uint64, error)
				set func(uint64) error
			}{
				"receive": {s.ReceiveBufferSize, s.SetReceiveBufferSize}, "send": {s.SendBufferSize, s.SetSendBufferSize},
			} {
				want(t, name+"-buffer-size of 0", size.set(0), "invalid-argument")
				must(t, size.set(10000))
				if got, err := size.get(); got != 10000 || err != nil {
					t.Errorf("%s-buffer-size is %d, %v", name, got, err)
				}
				for _, extreme := range []uint64{1, math.MaxUint64, math.MaxInt32 + 1} {
					must(t, size.set(extreme))
					if got, err := size.get(); got == 0 || err != nil {
						t.Errorf("%s-buffer-size is %d, %v after %d", name, got, err, extreme)
					}
				}
			}
		})
	}
}

func TestKeepAlive(t *testing.T) {
	n := newNetwork(t, Policy{})
	s := newTCP(t, n, IPv4)
	if on, err := s.KeepAliveEnabled(); on || err != nil {
		t.Errorf("keep-alive is %v, %v from the start", on, err)
	}
	for _, on := range []bool{true, false, true} {
		must(t, s.SetKeepAliveEnabled(on))
		if got, err := s.KeepAliveEnabled(); got != on || err != nil {
			t.Errorf("keep-alive is %v, %v, want %v", got, err, on)
		}
	}
	for name, span := range map[string]struct {
		get func() (time.Duration, error)
		set func(uint64) error
	}{
		"idle-time": {s.KeepAliveIdleTime, s.SetKeepAliveIdleTime}, "interval": {s.KeepAliveInterval, s.SetKeepAliveInterval},
	} {
		want(t, name+" of 0", span.set(0), "invalid-argument")
		for set, wanted := range map[uint64]time.Duration{
			1: time.Second, uint64(time.Second): time.Second, uint64(time.Second) + 1: 2 * time.Second,
			uint64(time.Hour): time.Hour, math.MaxUint64: maxKeepAliveTime,
		} {
			must(t, span.set(set))
			if got, err := span.get(); got != wanted || err != nil {
				t.Errorf("%s is %v, %v after %d ns, want %v", name, got, err, set, wanted)
			}
		}
	}
	want(t, "count of 0", s.SetKeepAliveCount(0), "invalid-argument")
	for set, wanted := range map[uint32]uint32{1: 1, 9: 9, math.MaxUint32: maxKeepAliveCount} {
		must(t, s.SetKeepAliveCount(set))
		if got, err := s.KeepAliveCount(); got != wanted || err != nil {
			t.Errorf("count is %d, %v after %d, want %d", got, err, set, wanted)
		}
	}
}

// TestAcceptedSocketsInherit what tcp.wit lists.
func TestAcceptedSocketsInherit(t *testing.T) {
	for _, f := range []Family{IPv4, IPv6} {
		n := newNetwork(t, Policy{})
		l, addr := listen(t, n, f)
		must(t, l.SetKeepAliveEnabled(true), l.SetKeepAliveIdleTime(uint64(42*time.Second)), l.SetKeepAliveInterval(uint64(43*time.Second)),
			l.SetKeepAliveCount(5), l.SetHopLimit(44), l.SetReceiveBufferSize(20000), l.SetSendBufferSize(30000))
		dial(t, n, addr)
		within(t, n, l)
		s, _, _, err := l.Accept()
		must(t, err)
		t.Cleanup(s.Close)
		on, err1 := s.KeepAliveEnabled()
		idle, err2 := s.KeepAliveIdleTime()
		interval, err3 := s.KeepAliveInterval()
		count, err4 := s.KeepAliveCount()
		hops, err5 := s.HopLimit()
		receive, err6 := s.ReceiveBufferSize()
		send, err7 := s.SendBufferSize()
		must(t, err1, err2, err3, err4, err5, err6, err7)
		if !on || idle != 42*time.Second || interval != 43*time.Second || count != 5 || hops != 44 || receive != 20000 || send != 30000 ||
			s.AddressFamily() != f {
			t.Errorf("family %d: %v %v %v %d %d %d %d", f, on, idle, interval, count, hops, receive, send)
		}
	}
}

// TestBacklog: the size may also be set while listening, and is clamped.
func TestBacklog(t *testing.T) {
	n := newNetwork(t, Policy{})
	l, addr := listen(t, n, IPv4)
	want(t, "a backlog of 0", l.SetListenBacklogSize(0), "invalid-argument")
	must(t, l.SetListenBacklogSize(math.MaxUint64), l.SetListenBacklogSize(1))
	dial(t, n, addr)
	dial(t, n, addr) // one more than the queue is long
	third := newTCP(t, n, IPv4)
	must(t, third.StartConnect(addr))
	if !pending(t, n, third) {
		t.Error("a third connection was taken into a queue of one")
	}
}
