package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/containerd/errdefs"
)

// exitName is the file that holds how the container ended.
const exitName = "exit.json"

// Exit is how a container's init ended.
type Exit struct {
	// Pid is the init's process id as the host sees it.
	Pid int `json:"pid"`
	// Status is 0 to 255, 128+signal for a process that a signal killed.
	Status uint32 `json:"status"`
	// At is when it ended.
	At time.Time `json:"at"`
}

// WriteExit records x in the bundle in dir, all of it or nothing. It is not synced to the disk: it has to outlive the
// shim, not the machine, and a bundle lies on a tmpfs.
func WriteExit(dir string, x Exit) error {
	body, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("encode exit: %w", err)
	}
	name := filepath.Join(dir, exitName)
	if err := os.WriteFile(name+".new", body, 0o600); err != nil {
		return fmt.Errorf("record exit: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		_ = os.Remove(name + ".new")
		return fmt.Errorf("record exit: %w", err)
	}
	return nil
}

// ReadExit returns what WriteExit recorded; errdefs.ErrNotFound if nothing was, errdefs.ErrDataLoss if it is damaged.
func ReadExit(dir string) (Exit, error) {
	body, err := os.ReadFile(filepath.Join(dir, exitName))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Exit{}, fmt.Errorf("%w: %w", err, errdefs.ErrNotFound)
		}
		return Exit{}, fmt.Errorf("read exit: %w", err)
	}
	return parseExit(body)
}

func parseExit(body []byte) (Exit, error) {
	var x Exit
	if err := json.Unmarshal(body, &x); err != nil {
		return Exit{}, fmt.Errorf("%s: %w: %w", exitName, err, errdefs.ErrDataLoss)
	}
	if x.Pid <= 0 || x.Status > 255 || x.At.IsZero() {
		return Exit{}, fmt.Errorf("%s: pid %d, status %d, at %s: %w", exitName, x.Pid, x.Status, x.At, errdefs.ErrDataLoss)
	}
	return x, nil
}
