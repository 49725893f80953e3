package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/lockfile"
)

// A filter is an array of struct sock_filter, which has 8 bytes, and the kernel takes at most BPF_MAXINSNS of them (seccomp(2)).
const (
	instructionSize = 8
	maxFilter       = 4096 * instructionSize
	maxFiltersHeld  = 16 // in memory; a host has one or two profiles
)

// Seccomp returns the BPF program of an OCI profile; nil for none. It is translated once and kept, in memory and on disk.
// A profile that cannot be translated is errdefs.ErrInvalidArgument. The caller does not change the program.
func (c *Cache) Seccomp(ctx context.Context, profile *specs.LinuxSeccomp) ([]byte, error) {
	if profile == nil {
		return nil, nil
	}
	text, err := json.Marshal(profile)
	if err != nil {
		return nil, fmt.Errorf("encode the profile: %w", err)
	}
	h := sha256.New()
	h.Write(text)
	h.Write([]byte(c.engine))
	key := hex.EncodeToString(h.Sum(nil))
	c.mu.Lock()
	filter := c.filters[key]
	c.mu.Unlock()
	if filter != nil {
		return filter, nil
	}
	filter, err = c.filter(ctx, filepath.Join(c.seccompDir(), key), text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if len(c.filters) >= maxFiltersHeld {
		clear(c.filters)
	}
	c.filters[key] = filter
	c.mu.Unlock()
	return filter, nil
}

// filter returns the filter kept in path, which is made if it is not there or not whole.
func (c *Cache) filter(ctx context.Context, path string, profile []byte) (_ []byte, err error) {
	if f, err := readFilter(path); err == nil {
		return f, nil
	}
	lock, err := lockfile.Acquire(ctx, path+lockSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if f, err := readFilter(path); err == nil {
		return f, nil
	}
	f, err := c.translateProfile(ctx, path+tempSuffix, profile)
	if err != nil {
		return nil, err
	}
	return f, keepFilter(path, f)
}

// readFilter reads a filter and checks the digest that stands before it.
func readFilter(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < sha256.Size {
		return nil, errDamaged
	}
	f := b[sha256.Size:]
	if sum := sha256.Sum256(f); !bytes.Equal(sum[:], b[:sha256.Size]) {
		return nil, errDamaged
	}
	return f, checkFilter(f)
}

// keepFilter writes f to path with its digest before it. It is small, and one that a crash cut off is made again: no fsync.
func keepFilter(path string, f []byte) error {
	sum := sha256.Sum256(f)
	if err := os.WriteFile(path+tempSuffix, append(sum[:], f...), 0o600); err != nil {
		return errors.Join(err, os.Remove(path+tempSuffix))
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return err
	}
	keepNewest(filepath.Dir(path), maxFilters)
	return nil
}

func checkFilter(f []byte) error {
	if len(f) == 0 || len(f) > maxFilter || len(f)%instructionSize != 0 {
		return fmt.Errorf("a filter of %d bytes", len(f))
	}
	return nil
}

// translateProfile has a worker translate profile; temp is where the result goes on its way.
func (c *Cache) translateProfile(ctx context.Context, temp string, profile []byte) (_ []byte, err error) {
	out, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		rerr := os.Remove(temp)
		if errors.Is(rerr, fs.ErrNotExist) {
			rerr = nil
		}
		err = errors.Join(err, out.Close(), rerr)
	}()
	err = c.run(ctx, job{mode: "seccomp", output: out, limits: c.translate, feed: func(w io.Writer) error {
		_, err := w.Write(profile)
		return err
	}})
	var bad *inputError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("%s: %w", bad.reason, errdefs.ErrInvalidArgument)
	case err != nil:
		return nil, fmt.Errorf("translate the profile: %w", err)
	}
	f := make([]byte, maxFilter+1)
	n, err := out.ReadAt(f, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return bytes.Clone(f[:n]), checkFilter(f[:n]) // which is kept, so not all of f
}
