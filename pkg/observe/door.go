package observe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/lockfile"
)

const (
	// visitTimeout is what one who asks for figures has in all. They are served one after the other.
	visitTimeout = 2 * time.Second
	// longestRequest is more than any client of this page says, in bytes.
	longestRequest = 16 << 10
	// socketSuffix ends the names of shims' sockets; the rest is the shim's process number.
	socketSuffix = ".sock"
	// endedName is the file with the figures of shims that have ended, and lockName the one that whoever reads or writes it locks.
	endedName = "ended"
	lockName  = "lock"
	// leaveTimeout bounds the wait for the lock at the end of a shim. Who holds it works for milliseconds.
	leaveTimeout = time.Second
)

// door is a shim's socket for figures.
type door struct {
	dir, path string
	page      func() string
	listener  net.Listener
	done      chan struct{} // closed when nobody is served any more
}

// openDoor begins to serve page in the directory dir, which is made if it is not there and which only root may look into.
func openDoor(dir string, page func() string) (*door, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &door{dir: dir, path: filepath.Join(dir, strconv.Itoa(os.Getpid())+socketSuffix), page: page, done: make(chan struct{})}
	_ = os.Remove(d.path) // of another process that had the number
	var err error
	if d.listener, err = net.Listen("unix", d.path); err != nil {
		return nil, err
	}
	go d.serve()
	return d, nil
}

// serve answers until the listener is closed.
func (d *door) serve() {
	defer close(d.done)
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		answer(conn, d.page())
		_ = conn.Close()
	}
}

// answer reads a request of HTTP to the end of its header, whatever it asks for, and answers with the page.
func answer(conn net.Conn, page string) {
	_ = conn.SetDeadline(time.Now().Add(visitTimeout))
	lines := bufio.NewReader(io.LimitReader(conn, longestRequest))
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return
		}
		if err != nil || strings.TrimSpace(line) == "" {
			break
		}
	}
	// The client that does not want it any more is no matter of ours.
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(page), page)
}

// close ends the service, and adds totals to those of the shims that have ended: figures that only grow must not shrink when a shim goes.
func (d *door) close(totals func() string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	lock, err := lockfile.Acquire(ctx, filepath.Join(d.dir, lockName))
	if err != nil {
		_ = d.listener.Close()
		<-d.done
		return fmt.Errorf("figures are lost: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	_ = d.listener.Close() // removes the socket
	<-d.done
	path := filepath.Join(d.dir, endedName)
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("figures are lost: %w", err)
	}
	sum := NewSum()
	sum.Add(string(before))
	sum.Add(totals())
	temp := path + ".new"
	if err := os.WriteFile(temp, []byte(sum.String()), 0o600); err != nil {
		return fmt.Errorf("figures are lost: %w", err)
	}
	return os.Rename(temp, path)
}
