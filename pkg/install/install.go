package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"wasmgo/pkg/lockfile"
)

// Host says what is installed, and where. All paths are absolute.
type Host struct {
	// Source is the program to install; it is read from the file only.
	Source io.ReaderAt
	// SourceSize is the length of Source in bytes.
	SourceSize int64
	// Program is where the program goes.
	Program string
	// Root is the data directory of wasmgo.
	Root string
	// Containerd is the program, looked up in PATH if it is only a name.
	Containerd string
	// Config is containerd's main configuration, which need not exist; DropIns the directory for the part that is ours.
	Config, DropIns string
	// Address is containerd's socket.
	Address string
	// Handler is the name under which pods ask for wasmgo.
	Handler string
	// Restart is the command, for sh, that restarts containerd and returns when that is done. Empty is systemctl.
	Restart string
	// Wait has Uninstall wait for the last container of wasmgo, where it refuses otherwise.
	Wait bool
	// Log is told what is done, a line each.
	Log func(format string, args ...any)
}

// Install makes the host one with wasmgo. What is done already is not done again. After an error the configuration is as it was before,
// unless the error says otherwise.
func (h *Host) Install(ctx context.Context) (err error) {
	unlock, err := h.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := h.putProgram(ctx); err != nil {
		return fmt.Errorf("install %s: %w", h.Program, err)
	}
	c, err := h.findContainerd(ctx)
	if err != nil {
		return err
	}
	main, err := readIfThere(h.Config)
	if err != nil {
		return err
	}
	edits, err := h.plan(c, main)
	if err != nil {
		return err
	}
	if err := h.rehearse(ctx, c, edits); err != nil {
		return err
	}
	return h.change(ctx, c, edits)
}

// change writes what is to be written and has containerd read it. If it does not, all is put back.
func (h *Host) change(ctx context.Context, c *containerd, edits []edit) error {
	due, err := h.restartDue()
	if err != nil {
		return err
	}
	edits = unlike(edits)
	if len(edits) == 0 && !due {
		h.Log("containerd is configured as it should be")
		return nil
	}
	if err := h.mark(); err != nil {
		return err
	}
	undos, err := h.apply(edits)
	if err == nil {
		_, err = c.dump(ctx, h.Config)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the configuration was put back: %w", err), undo(undos))
	}
	h.Log("restarting containerd")
	if err := h.restart(ctx); err != nil {
		return h.retreat(ctx, undos, fmt.Errorf("restart containerd: %w", err))
	}
	h.Log("containerd runs")
	return h.unmark()
}

// retreat gives containerd the configuration that it had before it did not come up, for which reason is the error, and starts it with that.
func (h *Host) retreat(ctx context.Context, undos []edit, reason error) error {
	if len(undos) == 0 {
		return reason // it was not the configuration
	}
	h.Log("%v; putting the configuration back", reason)
	if err := undo(undos); err != nil {
		return errors.Join(reason, err)
	}
	// The end of the context may be what went wrong; containerd has to run again all the same.
	if err := h.restart(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(reason, fmt.Errorf("restart containerd with the configuration that it had before: %w", err))
	}
	return errors.Join(fmt.Errorf("containerd runs with the configuration that it had before: %w", reason), h.unmark())
}

// Check returns an error that says what is not as Install leaves it.
func (h *Host) Check(ctx context.Context) error {
	if same, err := h.isInstalled(); err != nil {
		return err
	} else if !same {
		return fmt.Errorf("%s is not this version of wasmgo", h.Program)
	}
	due, err := h.restartDue()
	if err != nil {
		return err
	}
	if due {
		return errors.New("containerd has not been restarted since it was configured")
	}
	c, err := h.findContainerd(ctx)
	if err != nil {
		return err
	}
	now, err := c.dump(ctx, h.Config)
	if err != nil {
		return err
	}
	_, err = h.handlerOf(now)
	return err
}

// lock keeps other installers away until unlock is called.
func (h *Host) lock(ctx context.Context) (unlock func() error, err error) {
	if err := os.MkdirAll(h.state(), 0o700); err != nil {
		return nil, err
	}
	l, err := lockfile.Acquire(ctx, filepath.Join(h.state(), "lock"))
	if err != nil {
		return nil, err
	}
	return l.Unlock, nil
}

// state is the directory of what the installer has to remember.
func (h *Host) state() string { return filepath.Join(h.Root, "install") }

// marker is the file that says that containerd has to be restarted.
func (h *Host) marker() string { return filepath.Join(h.state(), "restart-due") }

func (h *Host) restartDue() (bool, error) {
	_, err := os.Lstat(h.marker())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (h *Host) mark() error {
	return replace(h.marker(), &file{mode: 0o600})
}

func (h *Host) unmark() error {
	if err := os.Remove(h.marker()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
