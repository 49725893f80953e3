package wasi

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/filesystem"
	"wasmgo/pkg/wasi/filesystem/beneath"
	"wasmgo/test/guests"
)

// preopen is a directory as a guest's root.
func preopen(t testing.TB, dir string, o beneath.Options) filesystem.Preopen {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := beneath.Preopen(fd, o)
	if err != nil {
		t.Fatal(err)
	}
	return filesystem.Preopen{Dir: d, Name: "/"}
}

// TestFileGuests: what the libraries of languages do with files works, and leaves nothing open.
func TestFileGuests(t *testing.T) {
	before := 0 // the first run has the runtime and the engine open what they need
	for _, name := range []string{"c_files", "rust_files"} {
		for way, o := range map[string]beneath.Options{
			"with openat2": {}, "without openat2": {Walk: true}, "as a root": {Root: true}, "as a root without openat2": {Root: true, Walk: true},
		} {
			t.Run(name+" "+way, func(t *testing.T) {
				file, err := os.ReadFile(guests.Component(t, name))
				if err != nil {
					t.Fatal(err)
				}
				out := &press{room: 4096, each: 4096}
				code, err := run(t, file, Config{
					Config:   cli.Config{Args: []string{name, "/"}, Stdout: out},
					Preopens: []filesystem.Preopen{preopen(t, t.TempDir(), o)},
				})
				if code != 0 || err != nil || string(out.out) != "files work\n" {
					t.Errorf("ended with %d, %v and printed %q", code, err, out.out)
				}
			})
			if before == 0 {
				before = openFiles(t)
			}
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors are open, there were %d", after, before)
	}
}
