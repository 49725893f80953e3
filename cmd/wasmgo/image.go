package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"wasmgo/pkg/image/manifest"
	"wasmgo/pkg/imagefile"
)

func newImage(s *common) *cobra.Command {
	// containerd's libraries warn of what the file system of a temporary directory has not got.
	logrus.SetLevel(logrus.ErrorLevel)
	cmd := &cobra.Command{Use: "image", Short: "Make images of modules, change their shape, look into them"}
	cmd.AddCommand(newImageBuild(s), newImageConvert(s), newImageInspect(s))
	return cmd
}

// target is where an image goes.
type target struct {
	tag, shape, file, namespace string
}

func (t *target) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&t.tag, "tag", "t", "", "the image's name, completed as Docker does: hello is docker.io/library/hello:latest")
	f.StringVar(&t.shape, "shape", "L", "T: a file in a tar layer; L: Wasm layers, runs with every client; A: the CNCF artifact")
	f.StringVarP(&t.file, "output", "o", "", "write an OCI archive to this file, for ctr images import and docker load")
	f.StringVar(&t.namespace, "containerd", "", "put the image into this namespace of the running containerd (Docker's is moby)")
	if err := cmd.RegisterFlagCompletionFunc("shape", words("T", "L", "A")); err != nil {
		panic(err) // there is no such flag: a mistake in this file
	}
	cmd.MarkFlagsOneRequired("output", "containerd")
	cmd.MarkFlagsMutuallyExclusive("output", "containerd")
	if err := cmd.MarkFlagRequired("tag"); err != nil {
		panic(err) // there is no such flag: a mistake in this file
	}
}

// write has an image made and puts it where it belongs.
func (t *target) write(cmd *cobra.Command, s *common, build func(context.Context, *imagefile.Store, manifest.Shape) (v1.Descriptor, error)) (err error) {
	ctx := cmd.Context()
	name, err := imagefile.FullName(t.tag)
	if err != nil {
		return err
	}
	var store *imagefile.Store
	if t.namespace != "" {
		store, err = imagefile.Containerd(ctx, s.address, t.namespace)
	} else {
		store, err = imagefile.Temporary()
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, err := build(ctx, store, manifest.Shape(strings.ToUpper(t.shape)))
	if err != nil {
		return err
	}
	if t.namespace != "" {
		err = store.Put(ctx, name, d)
	} else {
		err = writeArchive(ctx, store, t.file, name, d)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s@%s\n", name, d.Digest)
	return err
}

// writeArchive writes the file as a whole or not at all.
func writeArchive(ctx context.Context, store *imagefile.Store, path, name string, d v1.Descriptor) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".wasmgo-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(store.Export(ctx, f, name, d), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func newImageBuild(s *common) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "build app.wasm[,NAME=FILE...] -t REF (-o FILE | --containerd NS)",
		Short: "Make a runnable image of plain files",
		Long: `Make a runnable image of plain files, without Docker. The first is the module or component that is run; the others, separated by
commas or given one by one, are modules the first argument can select, or files that it finds under "/". NAME=FILE gives a
file another name in the container.`,
		Example: "  image build app.wasm -t example.org/app:1 -o app.tar\n  image build app.wasm,etc/app.conf=./app.conf -t app --containerd moby",
		Args:    cobra.MinimumNArgs(1),
	}
	t.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		parts, err := imagefile.ParseParts(args)
		if err != nil {
			return err
		}
		return t.write(cmd, s, func(ctx context.Context, store *imagefile.Store, shape manifest.Shape) (v1.Descriptor, error) {
			return imagefile.Build(ctx, store, parts, shape)
		})
	}
	return cmd
}

func newImageConvert(s *common) *cobra.Command {
	var t target
	var entrypoint []string
	var name string
	cmd := &cobra.Command{
		Use:   "convert IMAGE -t REF (-o FILE | --containerd NS)",
		Short: "Change an image's shape, so that a client that refuses it runs it",
		Long: `Change an image's shape. IMAGE is an archive (docker save, ctr images export, image build) or the name of an image in containerd's
namespace (-n). ctr and nerdctl refuse shape A with "unknown image config media type"; shape L runs with every client.`,
		Example: "  image convert app.tar -t example.org/app:1 -o app-L.tar\n  image convert -n default example.org/artifact:1 -t example.org/app:1 --containerd default",
		Args:    cobra.ExactArgs(1),
	}
	t.flags(cmd)
	cmd.Flags().StringSliceVar(&entrypoint, "entrypoint", nil, "what the image runs, where the image does not say it or says something else")
	cmd.Flags().StringVar(&name, "image", "", "which image of an archive with several")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		ctx := cmd.Context()
		src, err := openSource(ctx, s, args[0], name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, src.Close()) }()
		img, err := src.Image(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		err = t.write(cmd, s, func(ctx context.Context, store *imagefile.Store, shape manifest.Shape) (v1.Descriptor, error) {
			return imagefile.Convert(ctx, src, img, store, shape, entrypoint)
		})
		if err != nil {
			return fmt.Errorf("convert %s: %w", args[0], err)
		}
		return nil
	}
	return cmd
}

func openSource(ctx context.Context, s *common, arg, name string) (*imagefile.Source, error) {
	if imagefile.IsFile(arg) {
		return imagefile.OpenArchive(ctx, arg, name)
	}
	return imagefile.OpenImage(ctx, s.address, s.namespace, arg)
}

func newImageInspect(s *common) *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use:   "inspect IMAGE|app.wasm",
		Short: "Tell an image's shape, its layers, imports and exports, and how it would be started",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&name, "image", "", "which image of an archive with several")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		report, err := inspect(cmd.Context(), s, args[0], name)
		if err != nil {
			return err
		}
		if !asJSON {
			return report.Print(cmd.OutOrStdout())
		}
		out := json.NewEncoder(cmd.OutOrStdout())
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return cmd
}

func inspect(ctx context.Context, s *common, arg, name string) (_ *imagefile.Report, err error) {
	if imagefile.IsModule(arg) {
		return imagefile.InspectFile(arg)
	}
	src, err := openSource(ctx, s, arg, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return imagefile.Inspect(ctx, src)
}
