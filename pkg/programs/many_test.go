package programs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// rootVariable makes the test binary one of many launchers: it prints the directory of the programs below that root, and when the
// archive of archiveVariable was unpacked there.
const (
	rootVariable    = "WASMGO_TEST_ROOT"
	archiveVariable = "WASMGO_TEST_ARCHIVE"
)

func TestMain(m *testing.M) {
	if os.Getenv("WASMGO_RUNNER") != "" {
		os.Exit(beRunner())
	}
	root := os.Getenv(rootVariable)
	if root == "" {
		os.Exit(m.Run())
	}
	dir, err := Unpack(root, func() (io.ReadCloser, error) { return os.Open(os.Getenv(archiveVariable)) })
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(dir.Shim()); err == nil {
			fmt.Print(dir, " ", info.ModTime().UnixNano())
			return
		}
	}
	fmt.Print(err)
	os.Exit(1)
}

func TestManyLaunchersUnpackOnce(t *testing.T) {
	root, path := t.TempDir(), filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, pack(t, strings.Repeat("zero", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	const launchers = 16
	var said [launchers]string
	var wg sync.WaitGroup
	for i := range launchers {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), rootVariable+"="+root, archiveVariable+"="+path)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			said[i] = string(out)
		})
	}
	wg.Wait()
	for _, s := range said {
		if s != said[0] {
			t.Errorf("one launcher got %q, another %q: it was unpacked more than once", s, said[0])
		}
	}
	if left := listing(t, filepath.Join(root, "programs")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}
