package runner

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStandardInputInUnusualWays holds that input comes in order and whole, in whatever ways a guest asks for it.
func TestStandardInputInUnusualWays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("FILE"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"one read after the other":  {[]string{"read", "read"}, "read: 4 0123\nread: 4 4567\n"},
		"poll, then read":           {[]string{"poll", "read"}, "poll: 4 0123\nread: 4 4567\n"},
		"read, then poll":           {[]string{"read", "poll", "read"}, "read: 4 0123\npoll: 4 4567\nread: 4 89ab\n"},
		"the end":                   {[]string{"vector", "read", "read", "read", "read", "read", "read", "read", "read", "poll"}, "vector: 1 0\nread: 4 1234\nread: 4 5678\nread: 4 9abc\nread: 4 defg\nread: 4 hijk\nread: 4 lmno\nread: 1 p\nread: 0 \npoll: 0 \n"},
		"closed":                    {[]string{"read", "close"}, "read: 4 0123\nclose: Bad file descriptor\n"},
		"another file in its place": {[]string{"read", "renumber", file, "read"}, "read: 4 0123\nrenumber: 4 FILE\nread: 0 \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spawn(t, "stdin", withArgs(c.args...))
			if _, err := s.stdin.WriteString("0123456789abcdefghijklmnop"); err != nil {
				t.Fatal(err)
			}
			if code, stdout := s.run(); code != 0 || stdout != c.want {
				t.Errorf("exit code %d and %q, want %q; standard error: %s", code, stdout, c.want, s.stderr.String())
			}
		})
	}
}

func TestReadingIntoMemoryThatIsNotThere(t *testing.T) {
	s := spawn(t, "stdin", withArgs("bounds"))
	if _, err := s.stdin.WriteString("0123"); err != nil {
		t.Fatal(err)
	}
	code, stdout := s.run()
	// An error or a trap, as Wasmtime has it; not a crash and no bytes.
	if code != 0 && code != 134 || strings.Contains(stdout, "0123") {
		t.Errorf("exit code %d, %q and %q", code, stdout, s.stderr.String())
	}
}

// TestStreamsThatDoNotBlock: whoever shares a pipe may have set O_NONBLOCK on it.
func TestStreamsThatDoNotBlock(t *testing.T) {
	inRead, inWrite := pipeThatDoesNotBlock(t)
	outRead, outWrite := pipeThatDoesNotBlock(t)
	defer outRead.Close()
	s := spawn(t, "cat", withStdio(0, inRead), withStdio(1, outWrite))
	inRead.Close()
	outWrite.Close()
	s.begin()
	const n = 1 << 20 // more than a pipe holds
	wrote := make(chan error, 1)
	go func() {
		_, err := io.Copy(inWrite, io.LimitReader(zeroes{}, n))
		wrote <- errors.Join(err, inWrite.Close())
	}()
	if got, err := io.Copy(io.Discard, outRead); err != nil || got != n {
		t.Errorf("read %d bytes, %v; want %d", got, err, n)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if code, _ := s.wait(); code != 0 {
		t.Errorf("exit code %d; standard error: %s", code, s.stderr.String())
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func pipeThatDoesNotBlock(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
}

func TestStandardInputThatIsADirectory(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s := spawn(t, "cat", withStdio(0, dir))
	if code, _ := s.run(); code != 1 || !strings.Contains(s.stderr.String(), "read: Is a directory") {
		t.Errorf("exit code %d, standard error %q; want 1 and %v", code, s.stderr.String(), syscall.EISDIR)
	}
}
