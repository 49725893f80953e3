package layers

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
)

// program builds wasmgo as `make build` does, and returns its path.
func program(t testing.TB) string {
	t.Helper()
	// Its user, who is nobody, must get there.
	dir, err := os.MkdirTemp("", "wasmgo-layers-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "wasmgo")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "wasmgo/cmd/wasmgo")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build wasmgo: %v\n%s", err, out)
	}
	return path
}

// TestTheProgram is the shim's side of it too: package image starts the real program, in its confinement.
func TestTheProgram(t *testing.T) {
	path := program(t)
	before := descriptors(t)

	t.Run("answers and fetches", func(t *testing.T) {
		r := newRig(t)
		s := image.Source{Program: path, Address: "unix://" + r.Address}
		r.Image("img", r.manifest(t, manifest.MediaTypeWasmConfig, wasm+" app.wasm", "text/plain etc/x"), pulled)
		q := query()
		a, err := s.Ask(t.Context(), q)
		if err != nil || a.Module == nil || a.Module.Path != "/app.wasm" || a.Image != "img" || len(a.Files) != 1 {
			t.Fatalf("got %+v, %v", a, err)
		}
		q.Fetch = []image.Layer{*a.Module, a.Files[0]}
		files := []*os.File{temp(t), temp(t)}
		if err := s.Fetch(t.Context(), q, files); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{wasm + " app.wasm", "text/plain etc/x"} {
			if got, err := os.ReadFile(files[i].Name()); err != nil || string(got) != want {
				t.Errorf("layer %d is %q, %v, want %q", i, got, err, want)
			}
		}
	})

	for _, c := range []struct {
		name  string
		spoil func(r rig, d digest.Digest)
		says  string
	}{
		{"content that is missing", func(r rig, d digest.Digest) { r.Lose(d) }, "pull it again"},
		{"content of the wrong digest", func(r rig, d digest.Digest) { r.Damage(d, bytes.Repeat([]byte("x"), len(wasm+" app.wasm"))) }, "damaged"},
		{"content that is too long", func(r rig, d digest.Digest) { r.Damage(d, bytes.Repeat([]byte("x"), 10_000)) }, "damaged"},
		{"content that is cut", func(r rig, d digest.Digest) { r.Damage(d, nil) }, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			s := image.Source{Program: path, Address: r.Address}
			r.Image("img", r.manifest(t, v1.MediaTypeImageConfig, wasm+" app.wasm"), pulled)
			q := query()
			a, err := s.Ask(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(r, digest.Digest(a.Module.Digest))
			q.Fetch, q.Image = []image.Layer{*a.Module}, a.Image
			err = s.Fetch(t.Context(), q, []*os.File{temp(t)})
			if err == nil {
				t.Fatal("it was fetched")
			}
			for _, want := range []string{c.says, "image img", `layer 1 of 1, "app.wasm"`, a.Module.Digest} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}

	t.Run("no containerd", func(t *testing.T) {
		s := image.Source{Program: path, Address: filepath.Join(t.TempDir(), "sock")}
		if _, err := s.Ask(t.Context(), query()); err == nil || !strings.Contains(err.Error(), "containerd cannot be reached") || !strings.Contains(err.Error(), s.Address) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a containerd that does not answer", func(t *testing.T) {
		address := filepath.Join(t.TempDir(), "sock")
		l, err := net.Listen("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := (image.Source{Program: path, Address: address}).Ask(ctx, query()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a container that is not there", func(t *testing.T) {
		r := newRig(t)
		q := query()
		q.Container = "other"
		if _, err := (image.Source{Program: path, Address: r.Address}).Ask(t.Context(), q); err == nil || !strings.Contains(err.Error(), "container other") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody waits any more", func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := (image.Source{Program: path, Address: r.Address}).Ask(ctx, query()); err == nil {
			t.Error("it answered")
		}
	})
	t.Run("a program that is no such thing", func(t *testing.T) {
		r := newRig(t)
		if _, err := (image.Source{Program: filepath.Join(filepath.Dir(path), "none"), Address: r.Address}).Ask(t.Context(), query()); err == nil {
			t.Error("it answered")
		}
	})
	t.Run("a query by hand", func(t *testing.T) {
		cmd := exec.Command(path, "layers")
		cmd.Stdin = strings.NewReader("hello")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "for the shim to start") {
			t.Errorf("got %v, %s", err, out)
		}
	})
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before there were %d", after, before)
	}
}

// What every start of a container whose module is a layer pays for the answer, the program's own start included.
func BenchmarkAsk(b *testing.B) {
	r := newRig(b)
	r.Image("img", r.manifest(b, v1.MediaTypeImageConfig, wasm+" app.wasm"), pulled)
	s := image.Source{Program: program(b), Address: r.Address}
	for b.Loop() {
		if _, err := s.Ask(b.Context(), query()); err != nil {
			b.Fatal(err)
		}
	}
}

func temp(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
