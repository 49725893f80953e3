package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wasmgo/pkg/handover"
)

// maxChanges is how often compiling is begun again because the module changed meanwhile.
const maxChanges = 3

// codeFactor is how many times larger than its module compiled code is at most, for an estimate: 4 for Ruby, less for others.
const codeFactor = 5

// errChanged says that the module is not any more what its digest says.
var errChanged = errors.New("module changes while it is read")

// Option changes how an entry is made.
type Option func(*maker)

// Tell has f called about once a second, from one goroutine at a time, while an entry is made or waited for; not at all if
// that takes less. F must not block.
func Tell(f func(Progress)) Option { return func(m *maker) { m.tell = f } }

// Code returns the compiled form of the module or component m, called name in messages. If there is none yet it is compiled, or, if
// somebody else is doing that, waited for. Nothing of m is kept in memory.
//
// A *handover.Refusal says that the module cannot be compiled, or the component not run, and why.
func (c *Cache) Code(ctx context.Context, m io.ReaderAt, name string, options ...Option) (*Entry, error) {
	d, size, err := c.digestOf(m, name)
	if err != nil {
		return nil, err
	}
	for range maxChanges {
		now := d
		e, err := c.keep(ctx, c.compiled(d, size, name, options, func(ctx context.Context, temp string) (about meta, err error) {
			about, now, err = c.compileInto(ctx, temp, m, size, name, options)
			if now != d && isVerdict(err) {
				err = errChanged
			}
			return about, err
		}))
		if !errors.Is(err, errChanged) {
			return e, wrap(name, err)
		}
		d = now
	}
	return nil, &handover.Refusal{
		Code:    handover.CodeNotRunnable,
		Message: name + " was being written each time it was read; start the container when it is complete",
	}
}

// CodeOf returns the compiled form of the module or component whose SHA-256 is d. Only if there is none yet, the module itself is needed:
// open gives it, by whoever compiles it, and its content must be that of d. CodeOf closes what open returned.
//
// A *handover.Refusal, also of open, says that the module cannot be compiled, and why.
func (c *Cache) CodeOf(ctx context.Context, d [sha256.Size]byte, name string, open func(context.Context) (*os.File, error), options ...Option) (*Entry, error) {
	e, err := c.keep(ctx, c.compiled(d, 0, name, options, func(ctx context.Context, temp string) (about meta, err error) {
		m, err := open(ctx)
		if err != nil {
			return about, err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		info, err := m.Stat()
		if err != nil {
			return about, err
		}
		c.room(info.Size() * codeFactor)
		about, now, err := c.compileInto(ctx, temp, m, info.Size(), name, options)
		if now != d && isVerdict(err) {
			err = fmt.Errorf("its digest is sha256:%x, and sha256:%x was asked for", now, d)
		}
		return about, err
	}))
	return e, wrap(name, err)
}

// Adopt keeps code that was compiled elsewhere, the file m, as if it had been compiled here. The code will be run with all
// that a container's process may do: it is for whoever calls Adopt to have been told so by the host's owner. The engine refuses what
// another version or another processor's made.
func (c *Cache) Adopt(ctx context.Context, m io.ReaderAt, name string, options ...Option) (*Entry, error) {
	d, size, err := c.digestOf(m, name)
	if err != nil {
		return nil, err
	}
	made := c.compiled(d, size, name, options, func(_ context.Context, temp string) (about meta, err error) {
		file, now, err := c.copyInto(temp, m, name)
		if err == nil && now != d {
			err = errChanged
		}
		return meta{Files: []fileMeta{file}, Module: hex.EncodeToString(d[:]), Input: size}, err
	})
	made.key, made.need = c.key(sha256.Sum256(append([]byte("adopted\n"), d[:]...))), size
	e, err := c.keep(ctx, made)
	if errors.Is(err, errNotCode) {
		return nil, &handover.Refusal{Code: handover.CodeNotRunnable, Message: fmt.Sprintf("%s: %s", name, err)}
	}
	return e, wrap(name, err)
}

// compiled makes a maker of the entry for the module d.
func (c *Cache) compiled(d digest, size int64, name string, options []Option, fill func(context.Context, string) (meta, error)) maker {
	m := maker{key: c.key(d), name: name, need: size * codeFactor, fill: fill}
	for _, o := range options {
		o(&m)
	}
	if m.kind != plain {
		m.key = c.key(sha256.Sum256(append([]byte(m.kind+"\n"), d[:]...)))
	}
	return m
}

// wrap says of an error of the host which module it met.
func wrap(name string, err error) error {
	if _, ok := errors.AsType[*handover.Refusal](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("compile %s: %w", name, err)
}

// isVerdict reports whether err, of compiling, says something of the module.
func isVerdict(err error) bool {
	_, bad := errors.AsType[*inputError](err)
	return err == nil || bad
}

// compileInto has m, of about size bytes, compiled into the directory temp. It says of which content.
func (c *Cache) compileInto(ctx context.Context, temp string, m io.ReaderAt, size int64, name string, options []Option) (about meta, now digest, err error) {
	code, err := os.OpenFile(filepath.Join(temp, handover.CodeName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return about, now, err
	}
	defer func() { err = errors.Join(err, code.Close()) }()
	h := sha256.New()
	var spent time.Duration
	whole := false
	made := c.compiled(now, size, name, options, nil)
	j := job{
		mode: made.kind.mode(), output: code, limits: c.compile.of(size), size: size, spent: &spent,
		wanted: strings.TrimSuffix(temp, tempSuffix) + wantedSuffix,
		tell:   made.tell,
		feed: func(w io.Writer) error {
			err := c.each(m, name, func(p []byte) error {
				h.Write(p)
				_, err := w.Write(p)
				return err
			})
			whole = err == nil
			return err
		},
	}
	err = c.run(ctx, j)
	if bad, ok := errors.AsType[*inputError](err); ok && !whole {
		return about, now, fmt.Errorf("a verdict on a part of it: %s", bad.reason)
	}
	now = digest(h.Sum(nil))
	about = meta{Module: hex.EncodeToString(now[:]), Input: size, CPU: spent}
	if err != nil {
		return about, now, err
	}
	component, err := isSplit(code)
	switch {
	case err != nil:
		return about, now, err
	case component && !made.alone:
		about.Files, about.Needs, err = c.assemble(ctx, temp, code, name, options)
		return about, now, errors.Join(err, os.Remove(code.Name()))
	}
	file, err := seal(code, handover.CodeName, true)
	about.Files = []fileMeta{file}
	return about, now, err
}

// copyInto copies m into the directory temp, as code.
func (c *Cache) copyInto(temp string, m io.ReaderAt, name string) (file fileMeta, now digest, err error) {
	code, err := os.OpenFile(filepath.Join(temp, handover.CodeName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return file, now, err
	}
	defer func() { err = errors.Join(err, code.Close()) }()
	h := sha256.New()
	err = c.each(m, name, func(p []byte) error {
		h.Write(p)
		_, err := code.Write(p)
		return err
	})
	if err != nil {
		return file, now, err
	}
	file, err = seal(code, handover.CodeName, true)
	return file, digest(h.Sum(nil)), err
}
