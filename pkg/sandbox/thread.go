package sandbox

import (
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// threadEnd bounds the wait for a spent thread to leave the kernel's tables. It takes tens of microseconds; a stop of the
// world by the garbage collector can be in the way.
const threadEnd = 2 * time.Second

func init() {
	// A thread that ends with its goroutine must not be the main one: the main thread cannot end, it would stay behind in
	// the sandbox's namespaces, and /proc/<shim>/root with it. Locked here to the main goroutine, it is never chosen.
	runtime.LockOSThread()
}

// thread is an operating system thread of this process that is changed beyond repair (namespaces, root, capabilities) and
// thrown away. Its goroutine stays locked to it, so nothing else of the process ever runs on it.
type thread struct {
	tid   int
	work  chan func()
	ended bool
}

// newThread starts a thread; the caller must end it.
func newThread() *thread {
	t := &thread{work: make(chan func())}
	started := make(chan int)
	go t.run(started)
	t.tid = <-started
	return t
}

func (t *thread) run(started chan<- int) {
	runtime.LockOSThread() // and never unlocked: the thread dies with this goroutine
	started <- unix.Gettid()
	for f := range t.work {
		f()
	}
}

// begin runs f on the thread; the channel yields its error.
func (t *thread) begin(f func() error) <-chan error {
	done := make(chan error, 1)
	t.work <- func() { done <- f() }
	return done
}

// do runs f on the thread and returns its error.
func (t *thread) do(f func() error) error { return <-t.begin(f) }

// end lets the thread die and waits until it has. Until then it counts as a process of the sandbox's v1 control groups, and
// whoever kills those would kill the shim. It may be called again.
func (t *thread) end() {
	if t.ended {
		return
	}
	t.ended = true
	close(t.work)
	pid := os.Getpid()
	pause := 5 * time.Microsecond
	for deadline := time.Now().Add(threadEnd); unix.Tgkill(pid, t.tid, 0) == nil && time.Now().Before(deadline); {
		time.Sleep(pause)
		pause = min(2*pause, time.Millisecond)
	}
}
