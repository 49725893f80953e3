package native

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
	"strings"
	"time"

	"wasmgo/pkg/sandbox"
)

// initPidName is where runc puts the number of a container's init.
const initPidName = "init.pid"

// InitPid returns the number of the init that runc has made from the bundle, 0 if it has not come to that. Reclaim does not remove it.
func InitPid(dir string) (int, error) {
	if _, err := readRecord(dir); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(dir, initPidName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", initPidName, err)
	}
	return int(pid), nil
}

// Reclaim kills and removes the native container that another process of this program had created from the bundle in dir and did not
// live to delete, and the runc shim that it leaves behind. It is no error if there is none.
func Reclaim(ctx context.Context, dir string) error {
	r, err := readRecord(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return removeRecord(dir) // half of one
	}
	if err != nil {
		return fmt.Errorf("reclaim native container: %w", err)
	}
	if !sandbox.Lives(r.Shim.Pid, r.Shim.Started) {
		// Nobody speaks to it any more, whatever other containers it has. A shim that lives has lost this one only.
		if err := sandbox.EndProcess(ctx, r.Peer.Pid, r.Peer.Started); err != nil {
			return fmt.Errorf("reclaim native container: %w", err)
		}
		if err := os.RemoveAll(r.Dir); err != nil {
			return fmt.Errorf("reclaim native container: %w", err)
		}
	}
	if err := r.cleanUp(ctx, os.Getenv("TTRPC_ADDRESS")); err != nil {
		return fmt.Errorf("reclaim native container: %w", err)
	}
	return removeRecord(dir)
}

// cleanUp removes a container of the peer without asking its process.
func (p *peer) cleanUp(ctx context.Context, r *record) error {
	return r.cleanUp(ctx, p.eventsAddress())
}

// cleanUp has runc's shim, by its action delete, kill and remove the container and unmount its root file system. The shim of
// containerd 1.7 insists on somebody to publish events to, events, although it has none.
func (r *record) cleanUp(ctx context.Context, events string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, r.Program, "-namespace", r.Namespace, "-address", r.Address, "-id", r.ID, "-bundle", r.bundle, "delete")
	cmd.Dir = r.bundle // it takes the container's for the one of that name beside its own
	cmd.Env = append(cmd.Environ(), "TTRPC_ADDRESS="+events)
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // runc, which it has started, may have it too
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s delete: %w: %s", r.Program, err, strings.TrimSpace(said.String()))
	}
	return nil
}
