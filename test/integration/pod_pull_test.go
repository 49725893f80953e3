package integration

import (
	"slices"
	"strings"
	"testing"

	"wasmgo/test/daemon"
)

// pulledShapes are those that differ in how they are pulled; TestPods runs the others.
var pulledShapes = []string{
	"T a file in a tar layer", "T a file in a tar layer, behind an index",
	"L one layer of type wasm", "L one layer of type wasm, behind an index", "L beside a tar layer",
	"A one layer without a name", "A other layers are files",
}

// TestPodsPullImages shows which images kubelet can have pulled and run, by containerd and its settings.
func TestPodsPullImages(t *testing.T) {
	daemon.NeedRoot(t)
	for _, c := range []struct {
		name   string
		opts   []daemon.Option
		layers bool // tar layers for another platform are unpacked
	}{
		// containerd 2.2.2 and later unpack only what is for the host's platform, and CRI finds no snapshot then.
		{"containerd-2.4.2 by its transfer service", []daemon.Option{daemon.Version(daemon.Containerd2)}, false},
		{"containerd-2.4.2 with use_local_image_pull", []daemon.Option{daemon.Version(daemon.Containerd2), daemon.LocalPull()}, true},
		{"containerd-1.7.35", []daemon.Option{daemon.Version(daemon.Containerd17)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newPodEnv(t, c.opts...)
			registry := e.Containerd.Registry(t)
			p := e.pod(t)
			for _, s := range shapes(t) {
				if !slices.Contains(pulledShapes, s.name) {
					continue
				}
				name := registry.Push(t, s.image)
				pulled := e.Crictl(t, "pull", name).Run(t)
				if s.image.Index {
					// An index is searched for the host's platform.
					if pulled.Code == 0 {
						t.Errorf("%s: it was pulled", s.name)
					}
					mustContain(t, pulled.Stderr, "no match for platform")
					continue
				}
				if pulled.Code != 0 {
					t.Errorf("%s: %s", s.name, pulled.Stderr)
					continue
				}
				of := func(o object) { with(o, name, "image", "image") }
				if !c.layers && len(s.image.Files) > 0 {
					_, r := p.tryCreate(t, s.args, of)
					mustContain(t, r.Stderr, "parent snapshot", "does not exist")
					continue
				}
				code, stdout, stderr := p.run(t, s.args, of)
				if code != 0 || strings.TrimSuffix(stdout, "\n") != s.want {
					t.Errorf("%s: exit code %d, %q, want %q: %s", s.name, code, stdout, s.want, stderr)
				}
			}
		})
	}
}
