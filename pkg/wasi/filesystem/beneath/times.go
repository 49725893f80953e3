package beneath

import (
	"errors"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A NewTime is WASI's new-timestamp: what becomes of one of the two times that can be set.
type NewTime struct {
	Change TimeChange
	// Seconds and Nanoseconds since 1970, if Change is SetTime.
	Seconds     uint64
	Nanoseconds uint32
}

// A TimeChange says what becomes of a time.
type TimeChange uint8

// In WASI's order.
const (
	KeepTime TimeChange = iota
	SetNow
	SetTime
)

// nsecNow and nsecOmit are UTIME_NOW and UTIME_OMIT of utimensat(2).
const (
	nsecNow  = 1<<30 - 1
	nsecOmit = 1<<30 - 2
)

func (t NewTime) timespec() (unix.Timespec, error) {
	switch {
	case t.Change == KeepTime:
		return unix.Timespec{Nsec: nsecOmit}, nil
	case t.Change == SetNow:
		return unix.Timespec{Nsec: nsecNow}, nil
	case t.Seconds > math.MaxInt64:
		return unix.Timespec{}, unix.EOVERFLOW
	case t.Nanoseconds >= 1e9:
		return unix.Timespec{}, unix.EINVAL
	}
	return unix.Timespec{Sec: int64(t.Seconds), Nsec: int64(t.Nanoseconds)}, nil
}

func timespecs(accessed, modified NewTime) (*[2]unix.Timespec, error) {
	a, err := accessed.timespec()
	if err != nil {
		return nil, err
	}
	m, err := modified.timespec()
	return &[2]unix.Timespec{a, m}, err
}

// SetTimes sets the times of what d is of.
func (d *Descriptor) SetTimes(accessed, modified NewTime) error {
	return failed("set times", ".", d.setTimes(accessed, modified))
}

func (d *Descriptor) setTimes(accessed, modified NewTime) error {
	if err := d.changeable(); err != nil {
		return err
	}
	ts, err := timespecs(accessed, modified)
	if err != nil {
		return err
	}
	err = retry(func() error {
		// futimens(3) is utimensat(2) without a path, which package unix does not do.
		_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(d.file.fd), 0, uintptr(unsafe.Pointer(ts)), 0, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
	if errors.Is(err, unix.EBADF) && d.kind == Directory { // opened with O_PATH, as preopens are
		return retry(func() error { return unix.UtimesNanoAt(d.file.fd, ".", ts[:], 0) })
	}
	return err
}

// SetTimesAt sets the times of what name leads to.
func (d *Descriptor) SetTimesAt(follow bool, name string, accessed, modified NewTime) error {
	return failed("set times", name, d.setTimesAt(follow, name, accessed, modified))
}

func (d *Descriptor) setTimesAt(follow bool, name string, accessed, modified NewTime) error {
	ts, err := timespecs(accessed, modified)
	if err != nil {
		return err
	}
	p, err := d.existing(follow, name)
	if err != nil {
		return err
	}
	defer p.close()
	if err := d.changeable(); err != nil {
		return err
	}
	return retry(func() error { return unix.UtimesNanoAt(p.dir, p.base, ts[:], unix.AT_SYMLINK_NOFOLLOW) })
}

// existing is the place of what name leads to, which is not a link if links are followed.
func (d *Descriptor) existing(follow bool, name string) (p place, err error) {
	if follow || len(name) > 0 && name[len(name)-1] == '/' { // a slash at the end has links followed
		p, err = d.target(name)
	} else {
		p, err = d.place(name)
	}
	if err != nil {
		return place{}, err
	}
	if err := p.directory(); err != nil {
		p.close()
		return place{}, err
	}
	return p, nil
}
