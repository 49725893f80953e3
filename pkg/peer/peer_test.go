package peer

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestOfTellsWhoListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := Of(path)
	if err != nil || p.Pid != os.Getpid() {
		t.Fatalf("%+v, %v, want this process, %d", p, err, os.Getpid())
	}
	if p.UID != os.Geteuid() {
		t.Errorf("user %d, want %d", p.UID, os.Geteuid())
	}
	args, err := p.Args()
	if err != nil || !slices.Equal(args, os.Args) {
		t.Errorf("arguments %q, %v, want %q", args, err, os.Args)
	}
	environ, err := p.Environ()
	if err != nil || Variable(environ, "PATH") == "" || Variable(environ, "NONESUCH") != "" {
		t.Errorf("environment %q, %v", environ, err)
	}
}

func TestOfNobody(t *testing.T) {
	if _, err := Of(filepath.Join(t.TempDir(), "s")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
