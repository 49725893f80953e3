package task

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
)

// layer returns the compiled code of the layer that the container l runs, completes g and puts the image's files in
// their places. missed is what looking for a file said; it stands if the image has no Wasm layers.
func (t *tools) layer(ctx context.Context, root *os.File, l launch, g *handover.Guest, missed *handover.Refusal) (*cache.Entry, error) {
	q := image.Query{
		Namespace: l.namespace, Container: l.id,
		Digest:  image.DockerDigest(l.sources(), l.id),
		Process: image.Process{Args: g.Args, Env: g.Env, Cwd: g.Cwd}.Naming(),
	}
	source := image.Source{Program: t.cli, Address: t.address}
	a, err := source.Ask(ctx, q)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w (it is no file of the container either: %s)", err, missed.Message)
	case a.Refusal != nil:
		return nil, a.Refusal
	case a.Module == nil && a.Image == "":
		return nil, missed
	case a.Module == nil:
		return nil, &handover.Refusal{Code: missed.Code, Message: fmt.Sprintf("%s (and image %s has no Wasm layers)", missed.Message, a.Image)}
	}
	q.Image = a.Image
	fetch := func(layers []image.Layer, files []*os.File) error {
		q.Fetch = layers
		return source.Fetch(ctx, q, files)
	}
	if !l.exec { // later they are the container's own, and it may have removed them
		if err := image.Place(root, a.Files, fetch); err != nil {
			return nil, err
		}
	}
	g.Module, g.Export = a.Module.Name(a.Image), a.Export
	d, err := a.Module.Sum()
	if err != nil {
		return nil, err
	}
	var machineCode *os.File
	open := func(ctx context.Context) (*os.File, error) {
		f, err := t.temporary()
		if err != nil {
			return nil, err
		}
		kind := image.Unknown
		err = fetch([]image.Layer{*a.Module}, []*os.File{f})
		if err == nil {
			kind, err = image.Identify(f, g.Module, l.accept()...)
		}
		if err == nil && kind == image.Compiled {
			machineCode = f
			return nil, errMachineCode
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	entry, err := l.watched(ctx, g.Module, func(options ...cache.Option) (*cache.Entry, error) {
		return t.cache.CodeOf(ctx, d, g.Module, open, options...)
	})
	if machineCode == nil {
		return entry, err
	}
	defer machineCode.Close()
	return t.cache.Adopt(ctx, machineCode, g.Module)
}

// errMachineCode says that there is nothing to compile.
var errMachineCode = errors.New("machine code")

// accept are the kinds of module that the host's owner allows beyond those that are WebAssembly.
func (l *launch) accept() []image.Kind {
	if l.bundle.Settings.AllowMachineCode {
		return []image.Kind{image.Compiled}
	}
	return nil
}

// compiled returns the compiled code of the file m.
func (t *tools) compiled(ctx context.Context, l launch, m *image.Module) (*cache.Entry, error) {
	if m.Kind == image.Compiled {
		return t.cache.Adopt(ctx, m.File, m.Name)
	}
	return l.watched(ctx, m.Name, func(options ...cache.Option) (*cache.Entry, error) {
		return t.cache.Code(ctx, m.File, m.Name, options...)
	})
}

// temporary opens a file without a name for a module on its way to the compiler.
func (t *tools) temporary() (*os.File, error) {
	fd, err := unix.Open(t.root, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), t.root), nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return nil, &os.PathError{Op: "open", Path: t.root, Err: err}
	}
	f, err := os.CreateTemp(t.root, ".layer-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// sources lists what of the host is mounted into the container.
func (l *launch) sources() []string {
	var out []string
	for _, m := range l.bundle.Spec.Mounts {
		out = append(out, m.Source)
	}
	return out
}
