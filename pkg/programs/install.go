package programs

import (
	"compress/flate"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wasmgo/pkg/lockfile"
)

// install puts the programs of an archive, r behind its label l, in their place below base, and clears away what nobody
// needs any more.
func install(ctx context.Context, base string, l *label, r io.Reader) (err error) {
	lock, err := lockfile.Acquire(ctx, filepath.Join(base, ".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	dir := filepath.Join(base, l.name())
	if check(dir, l) == nil {
		return nil // another launcher was faster
	}
	if err := sweep(base, l.name()); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(base, tempPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := writeAll(temp, l, r); err != nil {
		return err
	}
	// What is there by now failed the check. What still executes of it keeps its file: removing takes only the name.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// writeAll unpacks r into the directory dir, on stable storage.
func writeAll(dir string, l *label, r io.Reader) error {
	runners := []string{Dir(dir).Runner(), Dir(dir).HTTPRunner()}
	for _, d := range runners {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	for i, name := range names {
		packed := io.LimitReader(r, l[i].packed)
		if err := write(filepath.Join(dir, name), l[i], packed); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// The next one begins where this one's label says that it ends.
		if _, err := io.Copy(io.Discard, packed); err != nil {
			return err
		}
	}
	// Not by the mode at their making: that is the umask's too.
	return errors.Join(os.Chmod(runners[0], 0o755), os.Chmod(runners[1], 0o755), os.Chmod(dir, 0o755))
}

// write unpacks one program.
func write(path string, e entry, packed io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	// One byte more than promised tells a longer one from a whole one.
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(flate.NewReader(packed), e.size+1))
	if err != nil {
		return err
	}
	if n != e.size || [sha256.Size]byte(h.Sum(nil)) != e.digest {
		return fmt.Errorf("its content does not fit its label (%d bytes, want %d)", n, e.size)
	}
	if err := f.Chmod(0o755); err != nil {
		return err
	}
	return f.Sync()
}
