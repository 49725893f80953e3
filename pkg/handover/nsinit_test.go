package handover

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is a socket pair.
func pair(t *testing.T) (shim, runner *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	shim, runner = os.NewFile(uintptr(fds[0]), "shim"), os.NewFile(uintptr(fds[1]), "runner")
	t.Cleanup(func() { shim.Close(); runner.Close() })
	return shim, runner
}

// named opens a new file that tells its name.
func named(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.WriteAt([]byte(name), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestBirthComesWithItsFiles(t *testing.T) {
	for name, c := range map[string]struct{ proc, terminal, code string }{
		"none":              {"", "", ""},
		"the code":          {"", "", "code"},
		"terminal and code": {"", "terminal", "code"},
		"all":               {"proc", "terminal", "code"},
	} {
		t.Run(name, func(t *testing.T) {
			shim, runner := pair(t)
			var files BirthFiles
			for i, name := range []string{c.proc, c.terminal, c.code} {
				if name != "" {
					*files.each()[i] = named(t, name)
				}
			}
			want := Birth{Argv: []string{"a"}, UID: 7, Groups: []uint32{1}, Bounding: 1 << 40, Proc: c.proc != "", Terminal: c.terminal != "", Code: c.code != ""}
			if err := SendBirth(shim, want, files); err != nil {
				t.Fatal(err)
			}
			got, came, err := ReceiveBirth(runner)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for i, name := range []string{c.proc, c.terminal, c.code} {
				f := *came.each()[i]
				if (f != nil) != (name != "") {
					t.Errorf("file %d: got %v, want %q", i, f, name)
				}
				if f == nil {
					continue
				}
				if text, err := io.ReadAll(io.NewSectionReader(f, 0, 100)); err != nil || string(text) != name {
					t.Errorf("file %d: got %q %v, want %q", i, text, err, name)
				}
				if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
					t.Errorf("file %d: flags %#x %v, want close-on-exec", i, flags, err)
				}
			}
			if err := came.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReceiveBirthRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		send func(shim *os.File) error
		want error
	}{
		"nothing":            {func(shim *os.File) error { return nil }, errFiles},
		"another message":    {func(shim *os.File) error { return Send(shim, Guest{}) }, errFiles},
		"no message":         {func(shim *os.File) error { _, err := shim.Write([]byte{birth}); return err }, io.EOF},
		"files that are not": {func(shim *os.File) error { return sendBare(shim, Birth{Code: true}) }, errFiles},
	} {
		t.Run(name, func(t *testing.T) {
			shim, runner := pair(t)
			if err := errors.Join(c.send(shim), shim.Close()); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ReceiveBirth(runner); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func sendBare(shim *os.File, b Birth) error {
	if _, err := shim.Write([]byte{birth}); err != nil {
		return err
	}
	return Send(shim, b)
}

func FuzzReceiveBirth(f *testing.F) {
	f.Add([]byte{birth, 0, 0, 0, 2, '{', '}'})
	f.Add([]byte("f\x00\x00\x00\x0d{\"Code\":true}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<16 {
			return // more than a socket holds
		}
		shim, runner := pair(t)
		if _, err := shim.Write(in); err != nil {
			t.Fatal(err)
		}
		if err := shim.Close(); err != nil {
			t.Fatal(err)
		}
		_, files, err := ReceiveBirth(runner)
		if err == nil && (files != BirthFiles{}) {
			t.Error("files out of nothing")
		}
	})
}
