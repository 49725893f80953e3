package stdio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNoticeReachesWhoeverLooks(t *testing.T) {
	for _, tc := range []struct {
		name     string
		terminal bool
		want     string
	}{
		{name: "stderr", want: "compiling\n"},
		{name: "a terminal", terminal: true, want: "compiling\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := mkfifo(t, "output")
			client := openEnd(t, path, unix.O_RDONLY|unix.O_NONBLOCK)
			config := Config{Terminal: tc.terminal, Stdout: path}
			if !tc.terminal {
				config = Config{Stderr: path}
			}
			s := openSet(t, config)
			s.Notice("compiling")
			if got := readString(t, client, len(tc.want)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		s := openSet(t, Config{Stderr: "file://" + path})
		s.Notice("compiling")
		if b, err := os.ReadFile(path); string(b) != "compiling\n" {
			t.Errorf("got %q, %v", b, err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		openSet(t, Config{}).Notice("compiling")
	})
}

// A client that does not read must not hold up the container.
func TestNoticeWaitsForNobody(t *testing.T) {
	path := mkfifo(t, "output")
	client := openEnd(t, path, unix.O_RDONLY|unix.O_NONBLOCK)
	s := openSet(t, Config{Stderr: path})
	for range 1000 {
		s.Notice(strings.Repeat("x", 2*pipeBuf))
	}
	if got := readString(t, client, pipeBuf); got != strings.Repeat("x", pipeBuf-1)+"\n" {
		t.Errorf("the first line is %.20q… of %d bytes", got, len(got))
	}
}
