package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Uninstall makes the host one without wasmgo: its configuration is what it was before, byte for byte where nobody else has changed it, and
// program and data directory are gone. It refuses while there are containers that wasmgo runs, or ran: without its shim they could not be
// deleted. It refuses a data directory in which others keep something. On a host that wasmgo is not installed on it does nothing.
func (h *Host) Uninstall(ctx context.Context) error {
	there, err := h.anything()
	if err != nil {
		return err
	}
	if !there {
		h.Log("wasmgo is not installed")
		return nil
	}
	if err := h.checkRoot(); err != nil {
		return err
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
	if err := h.awaitNoContainers(ctx); err != nil {
		return err
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

// lookEvery is how often containers are looked for that somebody else has to delete. kubelet does so once a minute for those of pods that are gone.
const lookEvery = time.Second

// awaitNoContainers returns when containerd has no container of wasmgo, or an error that names those it has, at once unless h.Wait.
func (h *Host) awaitNoContainers(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for told := ""; ; {
		containers, err := h.containers(ctx)
		if err != nil {
			return fmt.Errorf("ask containerd for containers of wasmgo: %w", err)
		}
		if len(containers) == 0 {
			return nil
		}
		there := fmt.Sprintf("wasmgo runs, or has run, %d containers that are still there: %s", len(containers), enumerate(containers))
		if !h.Wait {
			return errors.New(there + "; delete them first")
		}
		if there != told {
			h.Log("waiting: %s", there)
			told = there
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", there, ctx.Err())
		case <-tick.C:
		}
	}
}

// own is all that wasmgo keeps in its data directory, beside the temporary files of layers and of the secret. A directory that is a mount may have
// the last one.
var own = []string{"code", "content", "content.secret", "install", "programs", "seccomp", "lost+found"}

// checkRoot returns an error if the data directory, which is going to be removed, holds anything that is not wasmgo's: it may be another
// directory, for all that was said.
func (h *Host) checkRoot() error {
	entries, err := os.ReadDir(h.Root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if !slices.Contains(own, name) && !strings.HasPrefix(name, ".layer-") && !strings.HasPrefix(name, ".secret-") {
			return fmt.Errorf("%s holds %s, which is not wasmgo's, and would be removed with it: is that the data directory (--root)? Nothing was changed", h.Root, name)
		}
	}
	return nil
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
