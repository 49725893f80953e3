package lockfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The first wait is short, because many things waited for are nearly done; later ones double up to the longest.
const (
	firstWait   = time.Millisecond
	longestWait = 20 * time.Millisecond
)

// Lock is a held lock. Its owner calls Unlock.
type Lock struct {
	file *os.File
}

// Acquire waits until the lock at path is free and takes it. It returns the context's error when that ends first. The
// directory of path must exist.
func Acquire(ctx context.Context, path string) (*Lock, error) {
	wait := firstWait
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		l, err := Try(path)
		if l != nil || err != nil {
			return l, err
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock %s: %w", path, context.Cause(ctx))
		case <-timer.C:
		}
		wait = min(2*wait, longestWait)
	}
}

// Try takes the lock at path if it is free. Otherwise it returns nil and no error.
func Try(path string) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		switch err := flock(f); {
		case errors.Is(err, unix.EWOULDBLOCK):
			return nil, f.Close()
		case err != nil:
			f.Close()
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		// The holder before us may have removed the file between our open and our flock: then the lock we have is on a
		// file nobody else will ever open.
		if current(f, path) {
			return &Lock{file: f}, nil
		}
		f.Close()
	}
}

// Unlock removes the lock's file and gives the lock up.
func (l *Lock) Unlock() error {
	// In this order: a file removed after the unlock might already be the next holder's. Somebody who tidied up may have
	// been faster.
	err := os.Remove(l.file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}

func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// current reports whether path still names the open file f.
func current(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, there)
}
