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

// WriteExit records x in the bundle in dir. One write to a new file is all or nothing for a process that may be killed at any
// moment, which is all it has to outlive: it is not synced, for it need not outlive the machine, and a bundle lies on a tmpfs.
// A file that is there but empty is a shim that was killed between the two calls.
func WriteExit(dir string, x Exit) error {
	body, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("encode exit: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, exitName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("record exit: %w", err)
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("record exit: %w", err)
	}
	return nil
}

// ReadExit returns what WriteExit recorded; errdefs.ErrNotFound if it did not come to that, errdefs.ErrDataLoss if it is
// damaged.
func ReadExit(dir string) (Exit, error) {
	body, err := os.ReadFile(filepath.Join(dir, exitName))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Exit{}, fmt.Errorf("%w: %w", err, errdefs.ErrNotFound)
		}
		return Exit{}, fmt.Errorf("read exit: %w", err)
	}
	if len(body) == 0 {
		return Exit{}, fmt.Errorf("%s is empty: %w", exitName, errdefs.ErrNotFound)
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
