package native

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/log"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/sandbox"
)

// Program is what a container runs if that is no WebAssembly but a program for the host's kernel. It is the error of a Create that
// is to be handed on: Service does that.
type Program struct {
	// Name is its path as the container sees it.
	Name string
	// Script says that it begins with "#!"; if not it is an ELF file.
	Script bool

	bundle *bundle.Bundle
}

func (p *Program) Error() string { return p.Name + " is " + p.what() }

func (p *Program) what() string {
	if p.Script {
		return "a script"
	}
	return "a native program"
}

// Find returns the native program that the container of b runs, nil if it runs something else or nothing that can be found. Rootfs
// are containerd's mounts of its root file system, as in sandbox.Config.
//
// It is called before anything of a sandbox is built, because the hooks of a creation must not run twice, and because a native
// container may ask for what our sandbox refuses. The root file system is looked at as it is; the volumes among the specification's
// mounts are looked into where a candidate lies below them.
func Find(b *bundle.Bundle, rootfs []sandbox.Mount) *Program {
	dir := b.Spec.Root.Path
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(b.Dir, dir)
	}
	var found *Program
	err := sandbox.Peek(rootfs, dir, func(root *os.File) (err error) {
		found, err = find(b, root)
		return err
	})
	if err != nil {
		// Whoever mounts it for good will meet the same and has the words for it.
		log.L.WithError(err).WithField("bundle", b.Dir).Debug("cannot look for a native program")
		return nil
	}
	return found
}

func find(b *bundle.Bundle, root *os.File) (*Program, error) {
	p := b.Spec.Process
	for _, n := range image.Names(image.Process{Args: p.Args, Env: p.Env, Cwd: p.Cwd}) {
		f, ok, err := open(b, root, n.Path)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		defer f.Close()
		script, native, err := identify(f, n.Path)
		if err != nil || !native || n.Export != "" { // file#export asks for a module's function
			return nil, err
		}
		return &Program{Name: n.Path, Script: script, bundle: b}, nil
	}
	return nil, nil
}

// open opens the file that the container has at name, an absolute and clean path.
func open(b *bundle.Bundle, root *os.File, name string) (f *os.File, ok bool, err error) {
	m, below := volume(b.Spec.Mounts, name)
	switch {
	case m == nil:
		return image.Open(root, name)
	case !isBind(m):
		return nil, false, nil // new and empty, or the kernel's own
	}
	source := m.Source
	if !filepath.IsAbs(source) {
		source = filepath.Join(b.Dir, source)
	}
	host := source
	if below == "" { // a single file
		host, below = "/", source
	}
	dir, err := os.OpenFile(host, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, false, fmt.Errorf("volume %s: %w", m.Destination, err)
	}
	defer dir.Close()
	return image.Open(dir, below)
}

// volume returns the mount that name lies on, nil if that is the root file system, and the rest of its path.
func volume(mounts []specs.Mount, name string) (*specs.Mount, string) {
	for _, m := range slices.Backward(mounts) { // a later one hides what earlier ones have mounted there
		dir := filepath.Clean("/" + m.Destination)
		if below, ok := strings.CutPrefix(name, dir); ok && (below == "" || below[0] == '/') {
			return &m, below
		}
	}
	return nil, ""
}

func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// identify tells by its content whether f, called name, is for runc to run.
func identify(f *os.File, name string) (script, native bool, err error) {
	kind, err := image.Identify(f, name, image.Native, image.Script)
	if _, refused := errors.AsType[*handover.Refusal](err); refused {
		return false, false, nil
	}
	if err != nil || kind != image.Native {
		return kind == image.Script, kind == image.Script, err
	}
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return false, false, fmt.Errorf("read %s: %w", name, err)
	}
	return false, string(magic[:]) == "\x7fELF", nil // and not a program of some other system
}
