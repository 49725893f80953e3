package layers

import (
	"fmt"
	"strings"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
)

// maxModule is the largest module that package cache compiles, in bytes. A larger one is not worth copying.
const maxModule = 1 << 30

// choose says which layer of the image runs. The titled layers are looked through as if they were files: args[0] has the meaning
// it has in a root file system. If there is only one Wasm layer it is run whatever args[0] says.
func choose(name string, m *manifest.Manifest, p image.Process) *image.Answer {
	a := &image.Answer{Image: name}
	wasm := m.Wasm()
	if len(wasm) == 0 && len(m.Layers) > 0 && m.Shape != manifest.ShapeA {
		return a // its layers are the root file system, which has been looked at
	}
	module, export := pick(m, wasm, p)
	if module == nil {
		a.Refusal = refusal(name, m, wasm, p)
		return a
	}
	if module.Descriptor.Size > maxModule {
		a.Refusal = &handover.Refusal{Code: handover.CodeNotRunnable, Message: fmt.Sprintf("%s of image %s is too large: %d bytes, the most is %d",
			module.About(len(m.Layers)), name, module.Descriptor.Size, int64(maxModule))}
		return a
	}
	a.Module, a.Export = convert(*module, m), export
	for _, l := range m.Layers {
		if l.Index != module.Index && l.Path != "" {
			a.Files = append(a.Files, *convert(l, m))
		}
	}
	return a
}

func pick(m *manifest.Manifest, wasm []manifest.Layer, p image.Process) (*manifest.Layer, string) {
	byPath := map[string]*manifest.Layer{}
	for i, l := range m.Layers {
		if l.Path != "" {
			byPath[l.Path] = &m.Layers[i]
		}
	}
	for _, n := range image.Names(p) {
		if l := byPath[n.Path]; l != nil {
			return l, n.Export
		}
	}
	if len(wasm) == 1 {
		return &wasm[0], image.FreeExport(p.Args[0])
	}
	return nil, ""
}

// mostListed is how many layers a message lists.
const mostListed = 10

func refusal(name string, m *manifest.Manifest, wasm []manifest.Layer, p image.Process) *handover.Refusal {
	if len(m.Layers) == 0 {
		return &handover.Refusal{Code: handover.CodeNotFound, Message: fmt.Sprintf("image %s has no layers: there is nothing to run in it", name)}
	}
	if len(wasm) == 0 {
		var types []string
		for _, l := range m.Layers[:min(len(m.Layers), mostListed)] {
			types = append(types, fmt.Sprintf("%.80q", l.Descriptor.MediaType))
		}
		return &handover.Refusal{
			Code: handover.CodeNotFound,
			Message: fmt.Sprintf("image %s has no Wasm layer: its %d layers are %s; a module's media type is %s",
				name, len(m.Layers), strings.Join(types, ", "), manifest.MediaTypeWasm),
		}
	}
	var titles []string
	untitled := 0
	for _, l := range wasm {
		switch {
		case l.Path == "":
			untitled++
		case len(titles) < mostListed:
			titles = append(titles, l.Path)
		}
	}
	list := strings.Join(titles, ", ")
	if more := len(wasm) - untitled - len(titles); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	if list == "" {
		list = "none"
	}
	message := fmt.Sprintf("image %s has %d Wasm layers and %q names none of them; the names (their titles) are: %s", name, len(wasm), p.Args[0], list)
	if untitled > 0 {
		message += fmt.Sprintf("; %d have no title and cannot be named", untitled)
	}
	return &handover.Refusal{Code: handover.CodeNotFound, Message: message}
}

func convert(l manifest.Layer, m *manifest.Manifest) *image.Layer {
	return &image.Layer{
		Digest: l.Descriptor.Digest.String(),
		Size:   l.Descriptor.Size,
		Path:   l.Path,
		About:  l.About(len(m.Layers)),
	}
}
