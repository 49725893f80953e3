package imagefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
	"wasmgo/pkg/imagefile/wasm"
)

// About is what can be told of a module.
type About = wasm.About

// Report is what `image inspect` tells.
type Report struct {
	// Name, Digest and Platform are the image's; "" for a plain module.
	Name     string `json:"name,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Platform string `json:"platform,omitempty"`
	// Shape is T, L or A; Runs says with which clients images of it run.
	Shape manifest.Shape `json:"shape,omitempty"`
	Runs  string         `json:"runs,omitempty"`
	// Start is how a container with it is started.
	Start  string        `json:"start"`
	Layers []LayerReport `json:"layers"`
	// Files are the modules in the root file system that the tar layers make, by their paths.
	Files []LayerReport `json:"files,omitempty"`
}

// LayerReport is one layer of a Report.
type LayerReport struct {
	Kind      string `json:"kind"` // tar, wasm, file or none
	MediaType string `json:"mediaType,omitempty"`
	Title     string `json:"title,omitempty"`
	Digest    string `json:"digest,omitempty"`
	Size      int64  `json:"size"` // bytes
	// Wasm tells about a module, Problem why nothing can be told.
	Wasm    *About `json:"wasm,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Inspect reports on an image.
func Inspect(ctx context.Context, src *Source) (*Report, error) {
	img, err := src.Image(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Name: src.Name, Digest: img.Descriptor.Digest.String(), Platform: platform(img.Config.Platform),
		Shape: img.Manifest.Shape, Runs: clients[img.Manifest.Shape],
	}
	for _, l := range img.Manifest.Layers {
		lr := LayerReport{
			Kind: l.Kind.String(), MediaType: l.Descriptor.MediaType, Title: strings.TrimPrefix(l.Path, "/"),
			Digest: l.Descriptor.Digest.String(), Size: l.Descriptor.Size,
		}
		if l.Kind == manifest.Wasm {
			if lr.Wasm, err = src.about(ctx, l.Descriptor); err != nil {
				lr.Problem = err.Error()
			}
		}
		r.Layers = append(r.Layers, lr)
	}
	if r.Files, err = src.filesOf(ctx, img); err != nil {
		return nil, err
	}
	r.Start = startOf(img, r)
	return r, nil
}

// mostFiles is how many modules of a root file system are looked into.
const mostFiles = 32

// filesOf reports on the modules in the tar layers.
func (s *Source) filesOf(ctx context.Context, img *Image) ([]LayerReport, error) {
	files, err := s.rootFS(ctx, img)
	if err != nil {
		return nil, err
	}
	var out []LayerReport
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		if !f.wasm || len(out) == mostFiles {
			continue
		}
		report := LayerReport{Kind: manifest.Wasm.String(), Title: name, Size: f.size}
		report.Wasm, err = s.aboutFile(ctx, img, f)
		if err != nil {
			report.Problem = err.Error()
		}
		out = append(out, report)
	}
	return out, nil
}

func (s *Source) aboutFile(ctx context.Context, img *Image, f *rootFile) (about *About, err error) {
	file, err := s.extract(ctx, img, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return aboutReader(io.NewSectionReader(file, 0, maxModule+1))
}

// clients says what runs images of each shape. docs/images.md has the versions.
var clients = map[manifest.Shape]string{
	manifest.ShapeT: "ctr, nerdctl, docker; CRI except containerd 2.2.2 and later, unless use_local_image_pull is set",
	manifest.ShapeL: "ctr, nerdctl, docker, CRI",
	manifest.ShapeA: "docker, CRI with a command in the pod; ctr and nerdctl refuse it: `image convert` makes shape L of it",
}

func platform(p v1.Platform) string {
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}

// startOf says how the image is started.
func startOf(img *Image, r *Report) string {
	args := append(append([]string{}, img.Config.Process.Entrypoint...), img.Config.Process.Cmd...)
	var modules []LayerReport
	for _, l := range r.Layers {
		if l.Kind == manifest.Wasm.String() {
			modules = append(modules, l)
		}
	}
	command := "no command in the image: give one, its first word "
	if len(args) > 0 {
		command = fmt.Sprintf("%q ", args)
	}
	switch {
	case img.Manifest.Shape == manifest.ShapeT:
		return command + startOfFile(img.Config.Process, args, r.Files)
	case len(modules) == 0:
		return "it cannot be: it has no Wasm layer"
	case len(modules) > 1:
		var titles []string
		for _, m := range modules {
			titles = append(titles, "/"+m.Title)
		}
		return command + "selects one of " + strings.Join(titles, ", ")
	case modules[0].Wasm == nil:
		return command + "runs the one Wasm layer, of which nothing can be told"
	}
	return command + "runs the one Wasm layer: " + modules[0].Wasm.Start
}

// startOfFile says what becomes of a command that is looked for in the root file system.
func startOfFile(c v1.ImageConfig, args []string, files []LayerReport) string {
	cwd := c.WorkingDir
	if cwd == "" {
		cwd = "/"
	}
	for _, n := range image.Names(image.Process{Args: args, Env: c.Env, Cwd: cwd}) {
		for _, f := range files {
			if f.Title == n.Path && f.Wasm != nil {
				return "runs " + f.Title + ": " + f.Wasm.Start
			}
		}
	}
	return "is looked for as a file in the root file system"
}

// IsModule reports whether arg is a file that is to be looked at as a module and not as an archive.
func IsModule(arg string) bool {
	f, err := os.Open(arg)
	if err != nil {
		return filepath.Ext(arg) == ".wasm"
	}
	defer f.Close()
	kind, err := image.Identify(f, arg)
	return kind == image.Core || kind == image.Component || err != nil && kind != image.Packed && kind != image.Unknown
}

// InspectFile reports on a plain module.
func InspectFile(path string) (*Report, error) {
	about, err := aboutFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &Report{
		Start:  about.Start,
		Layers: []LayerReport{{Kind: manifest.Wasm.String(), Title: filepath.Base(path), Size: info.Size(), Wasm: about}},
	}, nil
}
