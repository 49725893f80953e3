package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"wasmgo/pkg/detached"
)

const (
	fingerprintName = "fingerprint"
	runnerName      = "runner"
)

// maxFingerprint bounds a fingerprint, in bytes.
const maxFingerprint = 4096

// fingerprintTimeout is far above the few milliseconds that the runner needs, for a host that swaps.
const fingerprintTimeout = 30 * time.Second

// Fingerprint returns the fingerprint of the runner in the directory dir: a text that differs whenever two runners make or take
// different compiled code. The runner is asked once, and its answer kept in dir.
func Fingerprint(dir string) (string, error) {
	path := filepath.Join(dir, fingerprintName)
	kept, err := readFingerprint(path, filepath.Join(dir, runnerName))
	switch {
	case err == nil && valid(kept):
		return string(kept[:len(kept)-1]), nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("fingerprint of the runner: %w", err)
	}
	said, err := ask(dir)
	if err != nil {
		return "", fmt.Errorf("fingerprint of the runner: %w", err)
	}
	if err := keepFingerprint(path, said); err != nil {
		return "", fmt.Errorf("fingerprint of the runner: %w", err)
	}
	return string(said[:len(said)-1]), nil
}

// readFingerprint reads what is kept in path of the runner. A runner that is newer, as a development build that took the place of
// another, is fs.ErrNotExist.
func readFingerprint(path, runner string) ([]byte, error) {
	kept, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	said, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	made, err := os.Stat(runner)
	if err != nil {
		return nil, err
	}
	if !said.ModTime().After(made.ModTime()) {
		return nil, fmt.Errorf("%s is older than the runner: %w", path, fs.ErrNotExist)
	}
	return kept, nil
}

// valid reports whether b is a whole fingerprint: one line of bounded length.
func valid(b []byte) bool {
	return len(b) > 1 && len(b) <= maxFingerprint && bytes.IndexByte(b, '\n') == len(b)-1
}

// ask runs the runner in mode fingerprint.
func ask(dir string) ([]byte, error) {
	tree, err := detached.Open(dir)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	ctx, cancel := context.WithTimeout(context.Background(), fingerprintTimeout)
	defer cancel()
	// The child still has the descriptor when it resolves these: it is closed by the exec itself.
	inside := "/proc/self/fd/" + strconv.Itoa(int(tree.Fd()))
	cmd := exec.CommandContext(ctx, filepath.Join(inside, runnerName))
	cmd.Dir = inside
	cmd.Env = []string{"WASMGO_RUNNER=fingerprint"}
	said, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s: %w: %s", filepath.Join(dir, runnerName), err, bytes.TrimSpace(exit.Stderr))
	case err != nil:
		return nil, err
	}
	said = append(bytes.TrimSpace(said), '\n')
	if !valid(said) {
		return nil, fmt.Errorf("%s: %d bytes in mode fingerprint, want one line", filepath.Join(dir, runnerName), len(said))
	}
	return said, nil
}

// keepFingerprint writes the file at once for all readers. Several shims may do it at a time; they write the same.
func keepFingerprint(path string, said []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".fingerprint-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, werr := f.Write(said)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
