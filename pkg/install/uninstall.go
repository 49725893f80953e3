package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Uninstall makes the host one without wasmgo: its configuration is what it was before, byte for byte where nobody else has changed it, and
// program and data directory are gone. It refuses while there are containers that wasmgo runs, or ran: without its shim they could not be
// deleted. On a host that wasmgo is not installed on it does nothing.
func (h *Host) Uninstall(ctx context.Context) error {
	there, err := h.anything()
	if err != nil {
		return err
	}
	if !there {
		h.Log("wasmgo is not installed")
		return nil
	}
	unlock, err := h.lock(ctx)
	if err != nil {
		return err
	}
	if err := h.uninstall(ctx); err != nil {
		return errors.Join(err, unlock())
	}
	return unlock()
}

func (h *Host) uninstall(ctx context.Context) error {
	containers, err := h.containers(ctx)
	if err != nil {
		return fmt.Errorf("ask containerd for containers of wasmgo: %w", err)
	}
	if len(containers) > 0 {
		return fmt.Errorf("wasmgo runs, or has run, %d containers that are still there: %s; delete them first", len(containers), enumerate(containers))
	}
	c, err := h.findContainerd(ctx)
	if err != nil {
		return err
	}
	main, err := readIfThere(h.Config)
	if err != nil {
		return err
	}
	edits, err := h.planRemoval(main)
	if err != nil {
		return err
	}
	if err := h.change(ctx, c, edits); err != nil {
		return err
	}
	for _, path := range []string{h.Program, h.backup()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := errors.Join(h.sweepTemporary(), h.removeDirectories()); err != nil {
		return err
	}
	h.Log("removed %s and %s", h.Program, h.Root)
	return os.RemoveAll(h.Root)
}

// CheckGone returns an error if there is anything of wasmgo on the host.
func (h *Host) CheckGone() error {
	there, err := h.anything()
	if err == nil && there {
		err = fmt.Errorf("wasmgo is still installed: %s, %s or its part of %s is there", h.Program, h.Root, h.Config)
	}
	return err
}

// anything says whether there is anything of wasmgo on the host.
func (h *Host) anything() (bool, error) {
	for _, path := range []string{h.Program, h.dropIn(), h.backup(), h.Root} {
		if _, err := os.Lstat(path); err == nil {
			return true, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	main, err := readIfThere(h.Config)
	if err != nil || main == nil {
		return false, err
	}
	plain, _, err := h.without(string(main.content))
	return err != nil || plain != string(main.content), nil
}

// enumerate names the first of many.
func enumerate(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
