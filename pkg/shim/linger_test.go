package shim

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"wasmgo/pkg/task"
)

// lobby is a shim's socket with a door, and who tells of the end.
type lobby struct {
	*lingering
	listener *net.UnixListener
	let      chan net.Conn // those who were let in
}

func newLobby(t *testing.T) *lobby {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	events := task.NewPublisher("", "space")
	s := task.New("space", "", events, func() {}, nil)
	s.Linger()
	b := &lobby{newLingering(s, newDoor(), path), l, make(chan net.Conn, 8)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if in, _, err := b.door.Handshake(t.Context(), conn); err == nil {
				b.let <- in
			}
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		b.timer.Stop()
		if err := events.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// visit connects to the socket and returns both ends.
func (b *lobby) visit(t *testing.T) (theirs, ours net.Conn) {
	t.Helper()
	theirs, err := net.Dial("unix", b.path)
	if err != nil {
		t.Fatal(err)
	}
	ours = <-b.let
	t.Cleanup(func() {
		theirs.Close()
		ours.Close()
	})
	return theirs, ours
}

func (b *lobby) expect(t *testing.T, over bool) {
	t.Helper()
	if got := b.over(); got != over {
		t.Errorf("over: %v, want %v", got, over)
	}
	if _, err := os.Lstat(b.path); (err == nil) == over {
		t.Errorf("the socket: %v", err)
	}
	if _, err := os.Lstat(b.path + ".end"); err == nil {
		t.Error("the other name is left")
	}
}

func TestLingering(t *testing.T) {
	t.Run("nobody came", func(t *testing.T) { newLobby(t).expect(t, true) })
	t.Run("somebody is there, and goes", func(t *testing.T) {
		b := newLobby(t)
		_, ours := b.visit(t)
		b.expect(t, false)
		ours.Close()
		<-b.door.arrived
		b.expect(t, true)
	})
	t.Run("a launcher has just been there", func(t *testing.T) {
		b := newLobby(t)
		_, ours := b.visit(t)
		ours.Close()
		b.expect(t, false) // it is not known yet what it has told containerd
		b.expect(t, true)
	})
	t.Run("a pod holds it", func(t *testing.T) {
		b := newLobby(t)
		release, err := b.service.Hold()
		if err != nil {
			t.Fatal(err)
		}
		b.expect(t, false)
		release()
		b.expect(t, true)
	})
	t.Run("another shim has taken the name", func(t *testing.T) {
		b := newLobby(t)
		_, ours := b.visit(t) // so that it would stay
		ours.Close()
		if err := os.Remove(b.path); err != nil {
			t.Fatal(err)
		}
		other, err := net.ListenUnix("unix", &net.UnixAddr{Name: b.path})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if !b.over() {
			t.Error("it stays, and nobody finds it")
		}
		b.unbind()
		if _, err := os.Lstat(b.path); err != nil {
			t.Errorf("the other's socket: %v", err)
		}
	})
}

func TestDoor(t *testing.T) {
	b := newLobby(t)
	_, one := b.visit(t)
	_, two := b.visit(t)
	one.Close()
	one.Close() // twice is once
	if !b.door.occupied() {
		t.Error("empty with one inside")
	}
	left := make(chan struct{})
	go func() {
		b.door.awaitEmpty(t.Context())
		close(left)
	}()
	two.Close()
	<-left
	if b.door.occupied() {
		t.Error("somebody is left inside")
	}
}
