package shim

import (
	"os"
	"time"

	"wasmgo/pkg/task"
)

const (
	// linger is how long a shim that containers share stays when it has none. A launcher that finds it has said so to containerd, which
	// has yet to come: until then it must not end. It is generous for a busy machine; and the next container needs no new shim.
	linger = 3 * time.Second
	// lastCall is for those who came while it was about to end. They have arrived before, and only have to be noticed.
	lastCall = 50 * time.Millisecond
)

// lingering is the end of a shim that containers share.
type lingering struct {
	service *task.Service
	door    *door
	path    string      // of the socket
	file    os.FileInfo // what is there as long as it is ours
	timer   *time.Timer
}

func newLingering(s *task.Service, d *door, path string) *lingering {
	l := &lingering{service: s, door: d, path: path, timer: time.NewTimer(linger)}
	l.file, _ = os.Lstat(path) // nil: somebody has taken it away already
	l.timer.Stop()
	return l
}

// wait begins the time after which the shim ends, or begins it anew.
func (l *lingering) wait() { l.timer.Reset(linger) }

// over reports, at the end of that time, whether the shim may end. From the moment its socket has another name nobody finds it any more; who
// did so just before makes it stay, under the old name. If another shim has that by now, it is that one containerd will come to.
func (l *lingering) over() bool {
	if !l.service.Idle() {
		return false // it will be said when that changes
	}
	if l.door.occupied() { // by a client that is about to make a container, or has just deleted one
		l.wait()
		return false
	}
	away := l.path + ".end"
	if !l.bound() || os.Rename(l.path, away) != nil {
		return l.service.Retire() // nobody finds this shim any more
	}
	select {
	case <-l.door.arrived:
	case <-time.After(lastCall):
		if !l.door.occupied() && l.service.Retire() {
			_ = os.Remove(away)
			return true
		}
	}
	// A link and not a rename, which would take the name from another shim.
	_ = os.Link(away, l.path)
	_ = os.Remove(away)
	l.wait()
	return false
}

// bound reports whether the socket still has its name. A launcher that takes it for dead gives the name to another's.
func (l *lingering) bound() bool {
	now, err := os.Lstat(l.path)
	return err == nil && l.file != nil && os.SameFile(now, l.file)
}

// unbind takes the name away from the socket if it is still its.
func (l *lingering) unbind() {
	if l.bound() {
		_ = os.Remove(l.path)
	}
}
