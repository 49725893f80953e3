package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is what clients do with a server: as many as there are connections send requests one after the other.
type load struct {
	address     string
	connections int
	requests    int64         // at most, on all connections
	time        time.Duration // at most
}

// outcome is what came of it.
type outcome struct {
	done      int64
	took      time.Duration
	latencies []time.Duration // sorted
	failures  []error
}

func (o *outcome) rate() float64 { return float64(o.done) / o.took.Seconds() }

// p99 is what 99 of 100 requests took at most, in ms.
func (o *outcome) p99() float64 {
	return float64(o.latencies[len(o.latencies)*99/100].Microseconds()) / 1000
}

// errClosing is a connection that the server has ended in order.
var errClosing = errors.New("the server closes the connection")

// run makes the requests. A connection that the server ends after a response is made anew; one that is refused ends the client, when
// stopping says that this is to be.
func (l load) run(stopping *atomic.Bool) *outcome {
	var left atomic.Int64
	left.Store(l.requests)
	begun := time.Now()
	var mu sync.Mutex
	var all outcome
	var clients sync.WaitGroup
	for range l.connections {
		clients.Go(func() {
			var mine []time.Duration
			err := l.client(&left, begun.Add(l.time), stopping, &mine)
			mu.Lock()
			defer mu.Unlock()
			all.latencies = append(all.latencies, mine...)
			if err != nil {
				all.failures = append(all.failures, err)
			}
		})
	}
	clients.Wait()
	all.took, all.done = time.Since(begun), int64(len(all.latencies))
	slices.Sort(all.latencies)
	return &all
}

// client is one of them.
func (l load) client(left *atomic.Int64, until time.Time, stopping *atomic.Bool, took *[]time.Duration) error {
	for {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			if stopping != nil && stopping.Load() {
				return nil
			}
			return err
		}
		err = l.converse(c, left, until, took)
		c.Close()
		if !errors.Is(err, errClosing) {
			return err
		}
	}
}

// converse sends requests on one connection.
func (l load) converse(c net.Conn, left *atomic.Int64, until time.Time, took *[]time.Duration) error {
	request := []byte("GET / HTTP/1.1\r\nHost: " + l.address + "\r\n\r\n")
	r := bufio.NewReader(c)
	for left.Add(-1) >= 0 {
		begun := time.Now()
		if begun.After(until) {
			return nil
		}
		if _, err := c.Write(request); err != nil {
			return err
		}
		closing, err := readResponse(r)
		if err != nil {
			return err
		}
		*took = append(*took, time.Since(begun))
		if closing {
			return errClosing
		}
	}
	return nil
}

var greeting = []byte("hello")

// readResponse reads a response without what net/http's client costs, which would be measured with the servers.
func readResponse(r *bufio.Reader) (closing bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return false, fmt.Errorf("read the status: %w", err)
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return false, fmt.Errorf("the answer is %q", line)
	}
	length := -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return false, fmt.Errorf("read the header: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(string(line))), ": ")
		switch {
		case name == "content-length":
			length, err = strconv.Atoi(value)
		case name == "connection":
			closing = value == "close"
		}
		if err != nil {
			return false, err
		}
	}
	if length >= 0 {
		body, err := r.Peek(length)
		if err != nil || !bytes.HasPrefix(body, greeting) {
			return false, fmt.Errorf("the body is %q: %w", body, err)
		}
		_, err = r.Discard(length)
		return closing, err
	}
	for { // chunked
		if line, err = r.ReadSlice('\n'); err != nil {
			return false, fmt.Errorf("read the body: %w", err)
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return false, err
		}
		if _, err := io.CopyN(io.Discard, r, size+2); err != nil || size == 0 {
			return closing, err
		}
	}
}
