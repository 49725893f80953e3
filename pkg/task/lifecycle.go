package task

import (
	"fmt"
	"time"

	"github.com/containerd/errdefs"
)

// state is where one process is in its life. See the table in doc.go.
type state uint8

const (
	created  state = iota // the process stands, or the exec is registered; nothing has begun
	starting              // a Start is under way and not yet announced
	running               // TaskStart has been announced
	stopping              // init only: gone, but its exit waits for those of its execs
	stopped               // the exit is recorded, Wait returns
)

func (s state) String() string {
	return [...]string{"created", "starting", "running", "stopping", "stopped"}[s]
}

// exit is how a process ended.
type exit struct {
	status uint32
	at     time.Time
	oom    bool // the kernel's OOM killer had a hand in it
}

// eventKind is what there is to tell the world. All but settled go to containerd.
type eventKind uint8

const (
	eventCreate eventKind = iota
	eventStart
	eventExecAdded
	eventExecStarted
	eventOOM
	eventExit
	eventDelete
	eventSettled // the process is stopped: Wait may answer
)

func (k eventKind) String() string {
	return [...]string{"create", "start", "exec-added", "exec-started", "oom", "exit", "delete", "settled"}[k]
}

// event is one thing that happened to the process id; "" is the init.
type event struct {
	kind eventKind
	id   string
	exit exit // of eventExit, eventDelete and eventSettled
}

// process is the state of one process of a container.
type process struct {
	state state
	early *exit // an exit seen while starting
	exit  exit
	begun bool // TaskStart was announced, so an exit must be announced too
}

// lifecycle is the state of all processes of one container, and the events that follow from its changes, in order.
// It has no lock, no clock and does no I/O: the caller holds container.mu around each call and carries the events away.
type lifecycle struct {
	processes map[string]*process // "" is the init
	events    []event
}

// newLifecycle begins with an init that is created.
func newLifecycle() *lifecycle {
	l := &lifecycle{processes: map[string]*process{"": {}}}
	l.emit(event{kind: eventCreate})
	return l
}

func (l *lifecycle) emit(e event) { l.events = append(l.events, e) }

// take returns the events since the last call.
func (l *lifecycle) take() []event {
	events := l.events
	l.events = nil
	return events
}

// find returns the process id, or an error that is errdefs.ErrNotFound.
func (l *lifecycle) find(id string) (*process, error) {
	p, ok := l.processes[id]
	switch {
	case ok:
		return p, nil
	case id == "":
		return nil, fmt.Errorf("container is deleted: %w", errdefs.ErrNotFound)
	default:
		return nil, fmt.Errorf("process %s: %w", id, errdefs.ErrNotFound)
	}
}

// addExec registers the exec id. Only a running init takes one: an exec that came after the init's end could announce
// its exit after the container's (containerd issue 10589).
func (l *lifecycle) addExec(id string) error {
	if _, ok := l.processes[id]; ok {
		return fmt.Errorf("process %s: %w", id, errdefs.ErrAlreadyExists)
	}
	init, err := l.find("")
	if err != nil {
		return err
	}
	if init.state != running {
		return fmt.Errorf("container is %s: %w", init.state, errdefs.ErrFailedPrecondition)
	}
	l.processes[id] = &process{}
	l.emit(event{kind: eventExecAdded, id: id})
	return nil
}

// beginStart claims the right to start id. Exactly one endStart must follow.
func (l *lifecycle) beginStart(id string) error {
	p, err := l.find(id)
	if err != nil {
		return err
	}
	if p.state != created {
		return fmt.Errorf("process is %s: %w", p.state, errdefs.ErrFailedPrecondition)
	}
	if init, err := l.find(""); err != nil {
		return err
	} else if id != "" && init.state != running {
		return fmt.Errorf("container is %s: %w", init.state, errdefs.ErrFailedPrecondition)
	}
	p.state = starting
	return nil
}

// endStart announces the start, then the exit if one has been seen. A start that did not succeed announces nothing and
// leaves the process stopped: there is no TaskExit without a TaskStart.
func (l *lifecycle) endStart(id string, ok bool, at time.Time) {
	p, err := l.find(id)
	if err != nil || p.state != starting {
		return
	}
	if !ok {
		x := exit{status: statusUnknown, at: at}
		if p.early != nil {
			x = *p.early
		}
		l.stop(id, p, x)
		return
	}
	p.state, p.begun = running, true
	if id == "" {
		l.emit(event{kind: eventStart})
	} else {
		l.emit(event{kind: eventExecStarted, id: id})
	}
	if p.early != nil {
		l.exited(id, *p.early)
	}
}

// statusUnknown is the exit status of a process that could not be started and left none of its own.
const statusUnknown = 255

// exited says that the process is gone. The init's exit is withheld while an exec may still announce its own: clients
// take the init's exit for the last word (containerd issue 9719).
func (l *lifecycle) exited(id string, x exit) {
	p, err := l.find(id)
	if err != nil {
		return
	}
	switch {
	case p.state == starting:
		p.early = &x
	case p.state == stopping || p.state == stopped:
	case id == "" && p.state == running && l.busy():
		p.state, p.exit = stopping, x
	default:
		l.stop(id, p, x)
	}
}

// busy reports whether an exec may still announce an exit.
func (l *lifecycle) busy() bool {
	for id, p := range l.processes {
		if id != "" && (p.state == starting || p.state == running) {
			return true
		}
	}
	return false
}

func (l *lifecycle) stop(id string, p *process, x exit) {
	p.state, p.exit, p.early = stopped, x, nil
	if p.begun {
		if x.oom {
			l.emit(event{kind: eventOOM, id: id})
		}
		l.emit(event{kind: eventExit, id: id, exit: x})
	}
	l.emit(event{kind: eventSettled, id: id, exit: x})
	if id == "" {
		return
	}
	if init := l.processes[""]; init != nil && init.state == stopping && !l.busy() {
		l.stop("", init, init.exit)
	}
}

// remove forgets a process: a stopped one, or an exec that was never started. The init's removal is the container's.
func (l *lifecycle) remove(id string) (exit, error) {
	p, err := l.find(id)
	if err != nil {
		return exit{}, err
	}
	if p.state != stopped && (p.state != created || id == "") {
		return exit{}, fmt.Errorf("process is %s: %w", p.state, errdefs.ErrFailedPrecondition)
	}
	delete(l.processes, id)
	if id == "" {
		l.emit(event{kind: eventDelete, exit: p.exit})
	}
	return p.exit, nil
}
