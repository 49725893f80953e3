package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// programMode is the one of the installed program.
const programMode fs.FileMode = 0o755

// putProgram puts the program in its place and tries whether this host runs it. One that is there already is left alone.
func (h *Host) putProgram(ctx context.Context) error {
	if err := h.sweepTemporary(); err != nil {
		return err
	}
	same, err := h.isInstalled()
	if err != nil {
		return err
	}
	if same {
		h.Log("%s is there already", h.Program)
		return nil
	}
	dir := filepath.Dir(h.Program)
	if err := h.noteDirectory(dir); err != nil {
		return err
	}
	temp, err := newTemporary(dir, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(temp, h.source())
	if err == nil {
		err = temp.Chmod(programMode)
	}
	// Linux executes no file that is open for writing.
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = h.try(ctx, temp.Name())
	}
	if err == nil {
		err = os.Rename(temp.Name(), h.Program)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	h.Log("wrote %s", h.Program)
	return nil
}

// try runs the program once. It unpacks what is in it for the host, so the first pod need not.
func (h *Host) try(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--help")
	cmd.Env = []string{"WASMGO_ROOT=" + h.Root, "PATH=" + os.Getenv("PATH")}
	if _, err := run(cmd); err != nil {
		return fmt.Errorf("this host does not run it: %w", err)
	}
	return nil
}

// isInstalled says whether the program is in its place with the content and the mode it shall have.
func (h *Host) isInstalled() (bool, error) {
	f, err := os.Open(h.Program)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != h.SourceSize || info.Mode() != programMode {
		return false, nil
	}
	return equal(f, h.source())
}

// source reads the program from its beginning.
func (h *Host) source() io.Reader { return io.NewSectionReader(h.Source, 0, h.SourceSize) }

// equal says whether two files of one size have the same content.
func equal(a, b io.Reader) (bool, error) {
	one, other := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, err := io.ReadFull(a, one)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false, err
		}
		if _, err := io.ReadFull(b, other[:n]); err != nil {
			return false, err
		}
		if !bytes.Equal(one[:n], other[:n]) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}
