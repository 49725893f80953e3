package inet

import (
	"time"

	"golang.org/x/sys/unix"
)

// The most that Linux takes for the times and the count of keep-alive (tcp(7)).
const (
	maxKeepAliveTime  = 32767 * time.Second
	maxKeepAliveCount = 127
)

// KeepAliveEnabled reports whether an idle connection is probed.
func (t *TCP) KeepAliveEnabled() (bool, error) {
	v, err := t.option(unix.SOL_SOCKET, unix.SO_KEEPALIVE)
	return v != 0, err
}

// SetKeepAliveEnabled says whether it is.
func (t *TCP) SetKeepAliveEnabled(on bool) error {
	v := 0
	if on {
		v = 1
	}
	return t.setOption(unix.SOL_SOCKET, unix.SO_KEEPALIVE, v)
}

// KeepAliveIdleTime is how long a connection is idle before the first probe.
func (t *TCP) KeepAliveIdleTime() (time.Duration, error) { return t.seconds(unix.TCP_KEEPIDLE) }

// SetKeepAliveIdleTime sets it, in nanoseconds, rounded up to seconds within what the kernel allows; 0 is an [InvalidArgument].
func (t *TCP) SetKeepAliveIdleTime(ns uint64) error { return t.setSeconds(unix.TCP_KEEPIDLE, ns) }

// KeepAliveInterval is the time between probes.
func (t *TCP) KeepAliveInterval() (time.Duration, error) { return t.seconds(unix.TCP_KEEPINTVL) }

// SetKeepAliveInterval sets it, as SetKeepAliveIdleTime does.
func (t *TCP) SetKeepAliveInterval(ns uint64) error { return t.setSeconds(unix.TCP_KEEPINTVL, ns) }

// KeepAliveCount is how many probes go unanswered before the connection is given up.
func (t *TCP) KeepAliveCount() (uint32, error) {
	v, err := t.option(unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
	return uint32(v), err
}

// SetKeepAliveCount sets it, within what the kernel allows; 0 is an [InvalidArgument].
func (t *TCP) SetKeepAliveCount(v uint32) error {
	if v == 0 {
		return InvalidArgument
	}
	return t.setOption(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, int(min(v, maxKeepAliveCount)))
}

func (t *TCP) seconds(name int) (time.Duration, error) {
	v, err := t.option(unix.IPPROTO_TCP, name)
	return time.Duration(v) * time.Second, err
}

func (t *TCP) setSeconds(name int, ns uint64) error {
	if ns == 0 {
		return InvalidArgument
	}
	d := time.Duration(min(ns, uint64(maxKeepAliveTime)))
	return t.setOption(unix.IPPROTO_TCP, name, int((d+time.Second-1)/time.Second))
}
