package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newStore makes a cache with one entry, a remembered refusal, and one that is damaged.
func newStore(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	digest := strings.Repeat("ab", 32)
	for key, meta := range map[string]string{
		strings.Repeat("1", 64): `{"Files":null,"Refusal":"type mismatch\nat 0x1f","Module":"` + digest + `","Name":"/app\u001b[31m.wasm"}`,
		strings.Repeat("2", 64): `{"Files":null,"Ref`,
	} {
		dir := filepath.Join(root, "code", key)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "meta"), []byte(meta), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// runCommand runs a command and returns its exit code and what it printed.
func runCommand(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	root, started := newRoot("containerd-shim-wasmgo-v1")
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return report(root, *started, err), b.String()
}

func TestCacheCommands(t *testing.T) {
	root := newStore(t)
	t.Run("ls escapes what images call themselves", func(t *testing.T) {
		code, out := runCommand(t, "cache", "ls", "--root", root)
		if code != exitOK || !strings.Contains(out, `"/app\x1b[31m.wasm": type mismatch`) || !strings.Contains(out, "(damaged)") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("verify removes what is damaged and fails", func(t *testing.T) {
		code, out := runCommand(t, "cache", "verify", "--root", root)
		if code != exitFailed || !strings.Contains(out, "1 entry whole, 1 damaged") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("verify finds the rest whole", func(t *testing.T) {
		code, out := runCommand(t, "cache", "verify", "--root", root)
		if code != exitOK || !strings.Contains(out, "1 entry whole, 0 damaged") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("prune with room for all of it keeps it", func(t *testing.T) {
		code, out := runCommand(t, "cache", "prune", "--keep", "1GiB", "--root", root)
		if code != exitOK || !strings.HasPrefix(out, "0 entries removed") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("prune removes everything", func(t *testing.T) {
		code, out := runCommand(t, "cache", "prune", "--root", root)
		if code != exitOK || !strings.HasPrefix(out, "1 entry removed") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
		left, err := os.ReadDir(filepath.Join(root, "code"))
		if err != nil || len(left) != 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
	t.Run("a bound that is no size is named", func(t *testing.T) {
		t.Setenv("WASMGO_CACHE_MAX", "plenty")
		code, out := runCommand(t, "cache", "ls", "--root", root)
		if code != exitFailed || !strings.Contains(out, "WASMGO_CACHE_MAX") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
}
