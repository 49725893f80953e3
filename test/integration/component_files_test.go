package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// addFiles puts the component that looks at files into an image.
func addFiles(t *testing.T, files map[string]pack.File) {
	t.Helper()
	files["/component/files.wasm"] = pack.File{Content: []byte(readFile(t, guests.Component(t, "adapted_files")))}
}

var dockerComponentFileCases = []dockerCase{
	{"links in a component's container lead where they lead in any container", func(t *testing.T, d docker) {
		dir := t.TempDir()
		for name, to := range map[string]string{
			"absolute": "/vol/target", "up": "../vol/target", "above": "../../../../vol/target", "twice": "/vol/absolute",
			"host": dir + "/target", "loop": "loop",
		} {
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "target"), []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"absolute": "text", "up": "text", "above": "text", "twice": "text",
			"host": "No such file or directory", "loop": "Symbolic link loop",
		} {
			got := d.wasm(t, "run", []string{"--rm", "--network", "none", "-v", dir + ":/vol"}, "/component/files.wasm", "read", "/vol/"+name).Run(t)
			if got.Stdout != want && !strings.Contains(got.Stderr, want) || (got.Code == 0) != (want == "text") {
				t.Errorf("%s: exit code %d, %q, %q, want %q", name, got.Code, got.Stdout, got.Stderr, want)
			}
		}
	}},
	{"a component learns why it may not", func(t *testing.T, d docker) {
		for _, c := range []struct {
			flags, args []string
			want        string
		}{
			{[]string{"--read-only"}, []string{"write", "/x", "y"}, "Read-only file system"},
			{[]string{"-u", "nobody"}, []string{"read", "/etc/secret"}, "Permission denied"},
			{nil, []string{"read", "/etc/none"}, "No such file or directory"},
			{nil, []string{"write", "/dev/full", "x"}, "No space left on device"},
		} {
			args := append([]string{"/component/files.wasm"}, c.args...)
			got := d.wasm(t, "run", append([]string{"--rm", "--network", "none"}, c.flags...), args...).Run(t)
			if got.Code != 1 || !strings.Contains(got.Stderr, c.want) {
				t.Errorf("%q %q: exit code %d, %q, want %q", c.flags, c.args, got.Code, got.Stderr, c.want)
			}
		}
	}},
	{"a component waits for who writes to a FIFO", func(t *testing.T, d docker) {
		dir := t.TempDir()
		path := filepath.Join(dir, "fifo")
		if err := unix.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
		written := make(chan error)
		go func() { written <- writeFIFO(path) }()
		got := d.wasm(t, "run", []string{"--rm", "--network", "none", "-v", dir + ":/vol"}, "/component/files.wasm", "read", "/vol/fifo").Run(t)
		if got.Code != 0 || got.Stdout != "through a FIFO" {
			t.Errorf("exit code %d, %q, %q", got.Code, got.Stdout, got.Stderr)
		}
		reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // lets a writer go that nobody has read from
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		if err := <-written; err != nil {
			t.Error(err)
		}
	}},
}

// writeFIFO waits until somebody reads.
func writeFIFO(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("through a FIFO")
	return err
}
