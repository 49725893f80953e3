package shim

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestProgramsWhereNothingMayBeExecuted: hardened hosts mount /var so.
func TestProgramsWhereNothingMayBeExecuted(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	if err := unix.Mount("programs", dir, "tmpfs", unix.MS_NOEXEC, "mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A shim that has just ended may still hold its program.
		settle(t, "the programs' mount is left", func() bool { return unix.Unmount(dir, 0) == nil })
	})
	if err := os.CopyFS(dir, os.DirFS(r.programs)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.StartProcess(filepath.Join(dir, "shim"), []string{"shim"}, &os.ProcAttr{}); !errors.Is(err, unix.EACCES) {
		t.Fatalf("the test does not test: %v", err)
	}
	r.env = append(r.env, "WASMGO_PROGRAMS="+dir)
	bundle := r.bundle(t, "c", []string{"exit", "7"})
	s := r.start(t, bundle, "c")
	s.create(t, bundle, "c")
	s.startTask(t, "c")
	if status := s.wait(t, "c"); status != 7 {
		t.Errorf("status %d", status)
	}
	killPid(s.pid) // so that delete needs a shim too
	s.awaitEnd(t)
	if answer := r.remove(t, bundle, "c"); answer.ExitStatus != 7 {
		t.Errorf("delete answers %v", answer)
	}
}
