package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
)

// TestCertificatesAreClosed: the file that goes with a guest is ours no more once the guest has it, or never will.
func TestCertificatesAreClosed(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "bundle")
	if err := os.WriteFile(bundle, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Config)
		fails  bool
	}{
		{"with a runner that is born as what it is", func(*Config) {}, false},
		{"with a runner that is held", func(c *Config) {
			c.Spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
		}, false},
		{"without a runner", func(c *Config) { c.Runner = c.Bundle }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			guest := b.Config.Guest
			var file *os.File
			b.Config.Guest = func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
				g, code, err := guest(ctx, root)
				if err == nil {
					file, err = os.Open(bundle)
					g.Certificates = file
				}
				return g, code, err
			}
			c.change(&b.Config)
			p, err := Start(t.Context(), b.Config)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if err := file.Close(); !errors.Is(err, os.ErrClosed) {
				t.Errorf("it was open still (%v)", err)
			}
			if p == nil {
				return
			}
			if err := p.Begin(t.Context()); err != nil {
				t.Error(err)
			}
			if x := p.Wait(); x.Status != 0 {
				t.Errorf("status %d", x.Status)
			}
			destroy(t, p)
		})
	}
}
