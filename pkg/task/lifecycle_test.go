package task

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a lifecycle and what the kernel and the service know beside it.
type world struct {
	life     *lifecycle
	alive    map[string]bool // exists, exit not yet delivered
	inFlight map[string]bool // a start is under way
	events   []event         // all so far
	trace    []string        // the inputs that led here
}

func newWorld() *world {
	w := &world{life: newLifecycle(), alive: map[string]bool{"": true}, inFlight: map[string]bool{}}
	w.events = w.life.take()
	return w
}

func (w *world) clone() *world {
	n := &world{
		life:     &lifecycle{processes: make(map[string]*process, len(w.life.processes))},
		alive:    maps.Clone(w.alive),
		inFlight: maps.Clone(w.inFlight),
		events:   slices.Clone(w.events),
		trace:    slices.Clone(w.trace),
	}
	for id, p := range w.life.processes {
		q := *p
		n.life.processes[id] = &q
	}
	return n
}

// key tells worlds apart that differ in anything an invariant can see.
func (w *world) key() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(w.life.processes)) {
		p := w.life.processes[id]
		fmt.Fprintf(&b, "%s:%d%v%v%v%v,", id, p.state, p.begun, p.early != nil, w.alive[id], w.inFlight[id])
	}
	for _, e := range w.events {
		b.WriteByte('0' + byte(e.kind))
		b.WriteString(e.id)
	}
	return b.String()
}

// input is something the service may tell the lifecycle.
type input struct {
	name  string
	id    string
	apply func(*world)
}

// inputs are all that can happen next, by the rules the service keeps: one start of a process at a time, an exit only of
// what lives, no removal in the middle of a start.
func (w *world) inputs() []input {
	init := w.life.processes[""]
	if init == nil {
		return nil
	}
	var in []input
	for _, id := range []string{"", "a", "b"} {
		p := w.life.processes[id]
		// The execs are twins: the worlds in which b comes first are those of a under another name.
		if id != "" && w.added(id) < 2 && (id == "a" || w.added("a") > 0) {
			in = append(in, input{"add", id, func(n *world) { _ = n.life.addExec(id) }})
		}
		if p == nil {
			continue
		}
		in = append(in, input{"begin", id, func(n *world) {
			if n.life.beginStart(id) == nil {
				n.inFlight[id] = true
				n.alive[id] = n.alive[id] || id != ""
			}
		}})
		if w.inFlight[id] {
			in = append(in, input{"started", id, func(n *world) {
				n.inFlight[id] = false
				n.life.endStart(id, true, time.Time{})
			}}, input{"start failed", id, func(n *world) {
				// Whoever could not start it has reaped what there was.
				n.inFlight[id], n.alive[id] = false, false
				n.life.endStart(id, false, time.Time{})
			}})
		} else {
			in = append(in, input{"remove", id, func(n *world) {
				if _, err := n.life.remove(id); err == nil {
					n.alive[id] = false
				}
			}})
		}
		if w.alive[id] {
			in = append(in, input{"exit", id, func(n *world) {
				n.alive[id] = false
				n.life.exited(id, exit{oom: id == ""})
			}})
		}
	}
	return in
}

func (w *world) added(id string) (n int) {
	for _, e := range w.events {
		if e.kind == eventExecAdded && e.id == id {
			n++
		}
	}
	return n
}

func (w *world) step(in input) {
	w.trace = append(w.trace, strings.TrimSpace(in.name+" "+in.id))
	in.apply(w)
	w.events = append(w.events, w.life.take()...)
}

// broken names the first rule the world breaks, "" if none.
func (w *world) broken() string {
	type seen struct{ added, started, exited, settled, oom bool }
	ids := map[string]*seen{"": {}}
	initExited := false
	for i, e := range w.events {
		s := ids[e.id]
		if s == nil {
			s = &seen{}
			ids[e.id] = s
		}
		if ids[""].settled && e.kind != eventSettled && e.kind != eventDelete {
			return fmt.Sprintf("%s of %q after the container settled", e.kind, e.id)
		}
		switch e.kind {
		case eventCreate:
			if i != 0 {
				return "create is not first"
			}
			s.added = true
		case eventExecAdded:
			if s.added && !s.settled && s.started {
				return "an id is taken again while its process lives"
			}
			*s = seen{added: true}
		case eventStart, eventExecStarted:
			if (e.kind == eventStart) != (e.id == "") {
				return "the wrong kind of start"
			}
			if !s.added || s.started || s.settled {
				return "a start out of place"
			}
			s.started = true
		case eventOOM:
			if s.exited || !s.started {
				return "an oom out of place"
			}
			s.oom = true
		case eventExit:
			if !s.started || s.exited {
				return "an exit before its start, or twice"
			}
			if initExited {
				return "an exit after the container's"
			}
			if e.exit.oom != s.oom {
				return "an exit without its oom"
			}
			s.exited = true
			initExited = e.id == ""
		case eventSettled:
			if s.settled || s.started != s.exited {
				return "Wait returns before the exit is announced, or twice"
			}
			s.settled = true
		case eventDelete:
			if i != len(w.events)-1 || !s.settled {
				return "a delete early, or not last"
			}
		}
	}
	// Nothing lives and no start is under way: then nothing may be withheld.
	for id := range w.life.processes {
		if w.alive[id] || w.inFlight[id] {
			return ""
		}
	}
	for id, p := range w.life.processes {
		if p.state != stopped && (p.state != created || id == "") {
			return fmt.Sprintf("%q stays %s for ever", id, p.state)
		}
		if p.begun && !ids[id].exited {
			return fmt.Sprintf("the exit of %q is lost", id)
		}
	}
	return ""
}

func (w *world) check(t *testing.T) {
	t.Helper()
	if broken := w.broken(); broken != "" {
		t.Fatalf("%s\nevents %v\ninputs %s", broken, w.events, strings.Join(w.trace, ", "))
	}
}

// TestLifecycleExhaustive visits every world that one init and two execs can come to, each exec id used twice, in any
// order of starts that succeed and fail, exits that come early, and removals.
func TestLifecycleExhaustive(t *testing.T) {
	first := newWorld()
	known := map[string]bool{first.key(): true}
	frontier := []*world{first}
	for depth := 0; len(frontier) > 0; depth++ {
		if depth > 60 {
			t.Fatal("there is no end of new worlds")
		}
		var next []*world
		for _, w := range frontier {
			w.check(t)
			for _, in := range w.inputs() {
				n := w.clone()
				n.step(in)
				if k := n.key(); !known[k] {
					known[k] = true
					next = append(next, n)
				}
			}
		}
		frontier = next
	}
	t.Logf("%d worlds", len(known))
	if len(known) < 10_000 {
		t.Errorf("only %d worlds: the inputs do not reach what they should", len(known))
	}
}

// FuzzLifecycle walks where the exhaustive test cannot go for length: each byte picks one of the possible inputs.
func FuzzLifecycle(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("a longer walk that starts, adds, exits and removes"))
	f.Fuzz(func(t *testing.T, walk []byte) {
		w := newWorld()
		for _, b := range walk {
			in := w.inputs()
			if len(in) == 0 {
				return
			}
			w.step(in[int(b)%len(in)])
			w.check(t)
		}
	})
}
