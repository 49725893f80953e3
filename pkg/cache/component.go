package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wasmgo/pkg/handover"
)

// A component's entry has what its runner needs in one directory:
//
//	<root>/code/KEY/component   the skeleton: the component without the code of its core modules
//	<root>/code/KEY/core-0      a hard link to <root>/code/KEY0/code, where KEY0 is that of the first core module
//	<root>/code/KEY/core-1      …
//
// So a core module that several components have (the adapter from WASI 0.1, an interpreter) is compiled once, and its pages are
// shared by all runners. One whose own entry was evicted lives on in the components that have it.

// alone says that what is compiled has to be a core module.
func alone(m *maker) { m.alone = true }

// A kind of code is that of one mode of the worker. Each is another code.
type kind string

const (
	plain         kind = ""
	interruptible kind = "interruptible" // it can be stopped while it runs
	recycled      kind = "recycled"      // like interruptible, for memories that lie in slots
)

// of has code of that kind compiled.
func (k kind) of(m *maker) { m.kind = k }

// mode is the worker's.
func (k kind) mode() string {
	if k == plain {
		return "compile"
	}
	return "compile-" + string(k)
}

// kindFor is the kind of code that a component needs.
func kindFor(n handover.Needs) kind {
	switch {
	case n&handover.NeedsServer == 0:
		return plain
	case n&handover.NeedsSlots == 0:
		return interruptible
	}
	return recycled
}

// isSplit reports whether a worker has written a component in parts.
func isSplit(output *os.File) (bool, error) {
	head := make([]byte, len(handover.SplitMagic))
	n, err := output.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return string(head[:n]) == handover.SplitMagic, nil
}

// assemble makes the files of a component's entry in the directory temp, out of the parts that a worker has written to output. Each
// core module is compiled like any other module, by whoever needs it first.
func (c *Cache) assemble(ctx context.Context, temp string, output *os.File, name string, options []Option) ([]fileMeta, handover.Needs, error) {
	info, err := output.Stat()
	if err != nil {
		return nil, 0, err
	}
	parts, err := handover.ReadSplit(output, info.Size())
	if err != nil {
		return nil, 0, err
	}
	skeleton, err := keepSkeleton(temp, parts.Skeleton)
	if err != nil {
		return nil, 0, err
	}
	files := []fileMeta{skeleton}
	// What a worker gives back as the core module of a component must not be a component again, and so on.
	options = append(options[:len(options):len(options)], alone, kindFor(parts.Needs).of)
	for i, m := range parts.Modules {
		file, err := c.linkCore(ctx, temp, i, m, fmt.Sprintf("core module %d of %s", i, name), options)
		if err != nil {
			return nil, 0, err
		}
		files = append(files, file)
	}
	return files, parts.Needs, nil
}

// keepSkeleton copies the skeleton into the directory temp.
func keepSkeleton(temp string, skeleton io.Reader) (_ fileMeta, err error) {
	f, err := os.OpenFile(filepath.Join(temp, handover.ComponentName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileMeta{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, skeleton); err != nil {
		return fileMeta{}, err
	}
	return seal(f, handover.ComponentName, false)
}

// linkCore links the compiled form of the i-th core module into the directory temp.
func (c *Cache) linkCore(ctx context.Context, temp string, i int, m io.ReaderAt, name string, options []Option) (_ fileMeta, err error) {
	e, err := c.Code(ctx, m, name, options...)
	if err != nil {
		return fileMeta{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	about, err := readMeta(e.dir)
	if err != nil {
		return fileMeta{}, err
	}
	for _, f := range about.Files {
		if f.Name != handover.CodeName {
			continue
		}
		f.Name = handover.CoreName(i)
		// By its path and not by e.dir: that is on a mount of its own, and links do not cross mounts. The entry is in use, so it stays.
		return f, os.Link(filepath.Join(c.path(e.key), handover.CodeName), filepath.Join(temp, f.Name))
	}
	return fileMeta{}, fmt.Errorf("%s: %w", name, errNotCode)
}
