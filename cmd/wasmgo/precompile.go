package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/imagefile"
	"wasmgo/pkg/programs"
)

func newPrecompile(s *common) *cobra.Command {
	var watch, toolbox bool
	cmd := &cobra.Command{
		Use:   "precompile [--watch] [--toolbox] [REF|FILE]...",
		Short: "Compile modules before they are first run",
		Long: `Compile modules before they are first run: for a node that is being prepared, or an image of a machine. A FILE is a module, a component,
or an archive of images (docker save, ctr images export); a REF is an image in containerd. Of an image every module is compiled,
layers and files in layers alike.

With --toolbox the shell and tools are compiled, too, that an exec finds in containers which have none: the first exec on a machine then need not wait.

With --watch it goes on to compile what is pulled for Wasm, in every namespace of containerd unless --namespace says which, with the processor
time that nobody else wants. When a container comes to wait for such a module its compilation is hurried.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !watch && !toolbox {
				return errors.New("nothing to compile: name files or images, or give --watch or --toolbox")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := newPrecompiler(cmd, s, watch)
			if err != nil {
				return err
			}
			if toolbox {
				if err := p.argument(cmd.Context(), p.toolbox); err != nil {
					return err
				}
			}
			for _, arg := range args {
				if err := p.argument(cmd.Context(), arg); err != nil {
					return err
				}
			}
			if watch {
				namespace := ""
				if cmd.Flags().Changed("namespace") {
					namespace = s.namespace
				}
				return p.watch(cmd.Context(), namespace)
			}
			if p.refused > 0 {
				return errSilent
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&toolbox, "toolbox", false, "compile the shell and tools of execs")
	cmd.Flags().BoolVar(&watch, "watch", false, "go on with what is pulled, at idle priority")
	return cmd
}

// precompiler compiles one module after the other: each takes all processors.
type precompiler struct {
	common  *common
	cache   *cache.Cache
	toolbox string    // path of its module
	out     io.Writer // a line for each module
	err     io.Writer // progress, and what went wrong
	refused int       // modules that cannot be compiled
}

func newPrecompiler(cmd *cobra.Command, s *common, idle bool) (*precompiler, error) {
	dir, err := programs.Given()
	if err != nil {
		return nil, err
	}
	if idle {
		if err := cache.BeIdle(); err != nil {
			return nil, fmt.Errorf("idle priority: %w", err)
		}
	}
	c, err := cache.Open(cache.Config{Root: s.root, Runner: dir.Runner(), Max: s.cacheMax, Idle: idle, Makeshift: true})
	if err != nil {
		return nil, err
	}
	return &precompiler{common: s, cache: c, toolbox: dir.Toolbox(), out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()}, nil
}

// argument compiles what the argument names. An error ends the command; a module that cannot be compiled does not.
func (p *precompiler) argument(ctx context.Context, arg string) error {
	if !imagefile.IsFile(arg) {
		return p.reference(ctx, p.common.namespace, arg, false)
	}
	if imagefile.IsModule(arg) || filepath.Ext(arg) == ".wat" {
		f, err := os.Open(arg)
		if err != nil {
			return err
		}
		defer f.Close()
		return p.module(ctx, arg, arg, f)
	}
	source, err := imagefile.OpenArchive(ctx, arg, "")
	if err != nil {
		return err
	}
	return errors.Join(p.image(ctx, source, arg, false), source.Close())
}

// reference compiles the modules of an image in containerd; wasm leaves out those that are not for Wasm.
func (p *precompiler) reference(ctx context.Context, namespace, ref string, wasm bool) error {
	source, err := imagefile.OpenImage(ctx, p.common.address, namespace, ref)
	if err != nil {
		return err
	}
	return errors.Join(p.image(ctx, source, ref, wasm), source.Close())
}

func (p *precompiler) image(ctx context.Context, source *imagefile.Source, name string, wasm bool) error {
	img, err := source.Image(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if wasm && !img.IsWasm() {
		return nil
	}
	found := 0
	err = source.Modules(ctx, img, func(module string, f *os.File) error {
		found++
		return p.module(ctx, module, name+" "+module, f)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if found == 0 && !wasm {
		fmt.Fprintf(p.out, "%s: no module in it\n", printable(name))
	}
	return nil
}

// module compiles one. Name is what the container will call it, shown what the user called it.
func (p *precompiler) module(ctx context.Context, name, shown string, f *os.File) error {
	shown = printable(shown)
	begun := time.Now()
	_, err := image.Identify(f, name)
	var e *cache.Entry
	if err == nil {
		bar := newBar(p.err, shown)
		e, err = p.cache.Code(ctx, f, name, cache.Tell(bar.tell))
		bar.end()
	}
	if refusal, ok := errors.AsType[*handover.Refusal](err); ok {
		p.refused++
		fmt.Fprintf(p.err, "%s: %s\n", shown, plain(refusal.Message))
		return nil
	}
	if err != nil {
		return err
	}
	defer e.Close()
	info, err := p.cache.Info(e.Key())
	if err != nil {
		return err
	}
	if info.Made.Before(begun) {
		fmt.Fprintf(p.out, "%s: was compiled already, %s\n", shown, size(info.Size))
		return nil
	}
	fmt.Fprintf(p.out, "%s: compiled in %v, %s\n", shown, time.Since(begun).Round(10*time.Millisecond), size(info.Size))
	return nil
}
