package runnerbin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// rootVariable makes the test binary one of many shims: it prints the directory of the runner below that root.
const rootVariable = "WASMGO_TEST_ROOT"

func TestMain(m *testing.M) {
	if os.Getenv("WASMGO_RUNNER") != "" {
		os.Exit(beRunner())
	}
	root := os.Getenv(rootVariable)
	if root == "" {
		os.Exit(m.Run())
	}
	dir, err := Dir(root)
	if err == nil {
		var info os.FileInfo
		if info, err = os.Stat(filepath.Join(dir, fileName)); err == nil {
			fmt.Print(dir, " ", info.ModTime().UnixNano())
			return
		}
	}
	fmt.Print(err)
	os.Exit(1)
}

func TestManyShimsUnpackOnce(t *testing.T) {
	root, path := t.TempDir(), filepath.Join(t.TempDir(), "my-runner")
	if err := os.WriteFile(path, make([]byte, 8<<20), 0o755); err != nil {
		t.Fatal(err)
	}
	const shims = 16
	var said [shims]string
	var wg sync.WaitGroup
	for i := range shims {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), rootVariable+"="+root, PathVariable+"="+path)
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
			t.Errorf("one shim got %q, another %q: it was unpacked more than once", s, said[0])
		}
	}
	if left := names(t, filepath.Join(root, "runner")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}
