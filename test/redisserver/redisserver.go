// Package redisserver starts a redis-server for a test, and ends it with the test.
package redisserver

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a server may take to come up or to go.
const patience = 30 * time.Second

// A Server is a server of the test's own, at a socket in a directory of its own.
type Server struct {
	// Socket is the path of its socket.
	Socket string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it says nothing any more

	mu   sync.Mutex
	said strings.Builder // guarded by mu
}

// Start starts one, with further arguments. It keeps nothing on disk. A machine without redis-server skips the test, and says so.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartIn(t, func(f func() error) error { return f() }, args...)
}

// StartIn is Start within the network that in calls what it is given in.
func StartIn(t testing.TB, in func(f func() error) error, args ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "redis") // t.TempDir's paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Socket: filepath.Join(dir, "s"), ended: make(chan struct{})}
	s.cmd = exec.Command(program, append([]string{"--port", "0", "--unixsocket", s.Socket, "--unixsocketperm", "777", "--save", "", "--appendonly", "no", "--dir", dir}, args...)...)
	said, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := in(s.cmd.Start); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go s.listen(said, ready)
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("redis-server says:\n%s", s.said.String())
		}
	})
	select {
	case <-ready:
	case <-s.ended:
		t.Fatal("redis-server ends at once")
	case <-time.After(patience):
		t.Fatal("redis-server does not come up")
	}
	return s
}

// listen keeps what the server says, and notes when it says that it is ready.
func (s *Server) listen(said io.Reader, ready chan<- struct{}) {
	defer close(s.ended)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		s.mu.Lock()
		s.said.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		// Of all that it listens on the socket comes last. Redis 7.2 has other words for it.
		at := strings.Contains(lines.Text(), "ready to accept connections at") || strings.Contains(lines.Text(), "Ready to accept connections unix")
		if at && ready != nil {
			close(ready)
			ready = nil
		}
	}
}

// URL is the server as a setting names it.
func (s *Server) URL() string { return "unix://" + s.Socket }

// Stop ends the server. It may be called more than once.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.cmd.ProcessState != nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil { // it keeps nothing that it would have to save
		t.Error(err)
	}
	<-s.ended
	_ = s.cmd.Wait() // killed
}
