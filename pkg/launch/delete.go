package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/settings"
	"wasmgo/pkg/wire"
)

// statusKilled is the exit status of a container whose own nobody knows: it was killed with its shim.
const statusKilled = 128 + 9

// remove is the action delete: containerd calls it when the connection to a shim has ended, for each of its containers,
// also after an orderly Shutdown. The bundle is -bundle, or the working directory. What cannot be removed is printed on
// stderr, and the answer is given all the same, or the container would stay for ever.
func (l launcher) remove(f flags) error {
	dir := f.bundle
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		dir = filepath.Join(filepath.Dir(dir), f.id)
	}
	pid, reclaimErr := l.reclaim(dir)
	if err := errors.Join(reclaimErr, removeSocket(dir)); err != nil {
		fmt.Fprintf(os.Stderr, "delete %s: %s\n", f.id, err)
	}
	x, err := bundle.ReadExit(dir)
	if err != nil {
		if !errors.Is(err, errdefs.ErrNotFound) {
			fmt.Fprintf(os.Stderr, "delete %s: %s\n", f.id, err)
		}
		x = bundle.Exit{Pid: pid, Status: statusKilled, At: time.Now()}
	}
	// containerd.task.v2.DeleteResponse
	out := wire.AppendNumber(nil, 1, uint64(uint32(x.Pid)))
	out = wire.AppendNumber(out, 2, uint64(x.Status))
	out = wire.AppendBytes(out, 3, wire.Timestamp(x.At))
	if _, err := l.stdout.Write(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// reclaim has the shim remove what is left of the container of the bundle in dir, and returns the number of its init, 0 if nothing
// is left: a shim that lived to delete the container has removed the record of it.
func (l launcher) reclaim(dir string) (pid int, err error) {
	if isAbsent(dir, bundle.SandboxName) && isAbsent(dir, bundle.NativeName) {
		return 0, nil
	}
	// Settings that cannot be read must not keep a container from being removed: it goes with what can be.
	host, settingsErr := settings.ReadHost(os.Environ())
	programs, err := l.programs(host.Values().Root)
	if err != nil {
		return 0, errors.Join(settingsErr, err)
	}
	out, err := ask(programs, nil, "-bundle", dir, "reclaim")
	if len(out) > 0 { // it tells the number first: an init that cannot be killed has one too
		var bad error
		pid, bad = strconv.Atoi(string(out))
		err = errors.Join(err, bad)
	}
	return pid, err
}

// isAbsent reports whether there is no file of that name in dir.
func isAbsent(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return errors.Is(err, os.ErrNotExist)
}

// removeSocket removes the socket of the bundle's shim unless the shim lives on for other containers of its group.
func removeSocket(dir string) error {
	address, err := os.ReadFile(filepath.Join(dir, addressName))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it was given to a shim that another bundle started
	}
	if err != nil {
		return fmt.Errorf("remove socket: %w", err)
	}
	path := socketPath(string(address))
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) || serving(path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove socket: %w", err)
	}
	return nil
}
