package serve

import (
	"cmp"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What a client may take of a place that others wait for: so long at once, and then so many bytes each second, of its request or of the
// response. A client that is slower than that holds its place only while nobody else wants it.
const (
	slowGrace = 10 * time.Second
	slowRate  = 500 // bytes per second
)

// lastTime is what a client may take, when a request is answered, to take the end of the response and to send what nobody reads.
const lastTime = 10 * time.Second

// A line is an exchange's connection with its client: what went over it, and how long that took. One goroutine reads at a time and one
// writes.
type line struct {
	bytes  atomic.Int64
	waited atomic.Int64    // nanoseconds, in waits that are over
	since  [2]atomic.Int64 // when a wait to read and one to write began, in nanoseconds since epoch; 0 while there is none
}

// epoch is what times of lines count from.
var epoch = time.Now()

// The two ways that a line is waited for.
const (
	reading = iota
	writing
)

func (l *line) begin(way int) { l.since[way].Store(max(int64(time.Since(epoch)), 1)) }

func (l *line) end(way, n int) {
	l.waited.Add(int64(time.Since(epoch)) - l.since[way].Swap(0))
	l.bytes.Add(int64(n))
}

// late is how much longer the client has been waited for than it may be while others wait, less than 0 if it has time left.
func (l *line) late() time.Duration {
	waited := time.Duration(l.waited.Load())
	for way := range l.since {
		if since := l.since[way].Load(); since != 0 {
			waited += time.Since(epoch) - time.Duration(since)
		}
	}
	return waited - slowGrace - time.Duration(l.bytes.Load())*time.Second/slowRate
}

// lineReader is a request's body that counts.
type lineReader struct {
	io.Reader
	*line
}

func (r lineReader) Read(p []byte) (int, error) {
	r.begin(reading)
	n, err := r.Reader.Read(p)
	r.end(reading, n)
	return n, err
}

// lines are those of the exchanges that may have to wait for their client, with what ends each.
type lines struct {
	mu   sync.Mutex
	all  map[*line]func() // guarded by mu
	next time.Time        // guarded by mu; when they are looked at again
}

// lookEvery is how often lines are looked at, however many wait for a place.
const lookEvery = 250 * time.Millisecond

// add has a line among them until remove. cut does not block.
func (l *lines) add(x *line, cut func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*line]func(){}
	}
	l.all[x] = cut
}

func (l *lines) remove(x *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, x)
}

// relieve ends the exchanges whose clients are too slow, those that are the latest first, and no more than there are who wait for a place.
func (l *lines) relieve(waiting int) {
	for _, cut := range l.latest(waiting) {
		cut()
	}
}

func (l *lines) latest(most int) (cuts []func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		return nil
	}
	l.next = now.Add(lookEvery)
	type slow struct {
		late time.Duration
		cut  func()
	}
	var list []slow
	for x, cut := range l.all {
		if late := x.late(); late > 0 {
			list = append(list, slow{late, cut})
		}
	}
	slices.SortFunc(list, func(a, b slow) int { return cmp.Compare(b.late, a.late) })
	for _, s := range list[:min(most, len(list))] {
		cuts = append(cuts, s.cut)
	}
	return cuts
}
