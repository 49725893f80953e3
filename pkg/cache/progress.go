package cache

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Progress is how far the making of an entry is. Wasmtime does not tell; what is measured is the processor time that its worker
// has used, and what is estimated is how much it will need in all, from the size of the module and from what compiling took on
// this machine before.
type Progress struct {
	Module  int64         // size of the module, bytes; 0 if that is not known
	Elapsed time.Duration // since it was begun, or waited for
	Done    float64       // estimate, from 0 to below 1
	Waiting bool          // another container compiles it; Done is not known then
}

// tickEvery is how often progress is told, and how long nothing is said.
const tickEvery = time.Second

// tick tells of p, whose time alone changes, until stop is called, which waits for the last call to return.
func tick(tell func(Progress), p Progress) (stop func()) {
	if tell == nil {
		return func() {}
	}
	begun, end, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(tickEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case now := <-ticker.C:
				p.Elapsed = now.Sub(begun)
				tell(p)
			}
		}
	}()
	return func() { close(end); <-ended }
}

// attendance is what there is to do while a worker is at work.
type attendance struct {
	job    job
	pid    int
	begun  time.Time
	idle   bool
	store  *Store
	rate   float64 // 0 until it is needed
	ticker *time.Ticker
}

// urgentEvery is how soon a worker at idle priority is hurried when somebody comes to wait for it.
const urgentEvery = 100 * time.Millisecond

func (c *Cache) newAttendance(j job, pid int) *attendance {
	every := tickEvery
	if c.idle && j.wanted != "" {
		every = urgentEvery
	}
	return &attendance{job: j, pid: pid, begun: time.Now(), idle: c.idle, store: c.Store, ticker: time.NewTicker(every)}
}

// tick is called now and then.
func (a *attendance) tick(now time.Time) {
	if a.idle && a.job.wanted != "" {
		if _, err := os.Lstat(a.job.wanted); err == nil {
			hurry(a.pid)
			_ = os.Remove(a.job.wanted)
			a.idle = false
			a.ticker.Reset(tickEvery)
		}
	}
	elapsed := now.Sub(a.begun)
	if a.job.tell == nil || elapsed < tickEvery {
		return
	}
	p := Progress{Module: a.job.size, Elapsed: elapsed}
	if used, err := processorTime(a.pid); err == nil && a.job.size > 0 {
		if a.rate == 0 {
			a.rate = a.store.rate()
		}
		p.Done = min(0.99, float64(used)/(a.rate*float64(a.job.size)))
	}
	a.job.tell(p)
}

// processorTime is what the process pid, of which the caller is the parent, has used on all processors.
func processorTime(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED, of the whole process; clock_getcpuclockid(3) makes the number in this way
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &t); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(t.Nano()), nil
}

const (
	// typicalRate is the processor time that compiling takes, in nanoseconds for each byte of a module.
	typicalRate = 900
	// telling is the size of the smallest module of which the rate can be told, in bytes: of others it is that of the worker's start.
	telling = 256 << 10
)

// rate is the processor time that compiling takes on this machine, in nanoseconds for each byte: that of the newest large module.
func (s *Store) rate() float64 {
	var newest meta
	infos, err := s.List()
	if err != nil {
		return typicalRate
	}
	for _, i := range infos {
		if i.meta.Input >= telling && i.meta.CPU > 0 && i.meta.Refusal == "" && i.meta.Time.After(newest.Time) {
			newest = i.meta
		}
	}
	if newest.Input == 0 {
		return typicalRate
	}
	return float64(newest.CPU) / float64(newest.Input)
}
