package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/test/pack"
)

// Registry is an image registry of the test's own (distribution), on the loopback device of a daemon's network.
type Registry struct {
	of   *ContainerdDaemon
	proc *process
	log  *log
}

// registryAddress is where it listens. The network namespace is one daemon's, so nobody else can have the port; and clients speak plain HTTP
// with registries on loopback addresses.
const registryAddress = "127.0.0.1:5000"

// Registry starts a registry in the daemon's network. It is stopped when the test ends.
func (d *ContainerdDaemon) Registry(t testing.TB) *Registry {
	t.Helper()
	if d.Netns == nil {
		t.Fatal("a registry belongs into a network namespace of its own")
	}
	dir := filepath.Join(d.Dir, "registry")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", dir, registryAddress)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Registry{of: d, log: &log{}}
	p, err := spawn(d.Netns, r.log, append(os.Environ(), "OTEL_TRACES_EXPORTER=none"), filepath.Join(Tool(t, registry), "registry"), "serve", config)
	if err != nil {
		t.Fatal(err)
	}
	r.proc = p
	t.Cleanup(func() {
		defer r.log.printOnFailure(t, registry)
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := p.ready(startTimeout, func() error {
		c, err := d.Netns.Dial("tcp", registryAddress)
		if err != nil {
			return err
		}
		return c.Close()
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// Push puts an image into the registry, and returns the name to pull it by.
func (r *Registry) Push(t testing.TB, img pack.Image) string {
	t.Helper()
	img.Name = registryAddress + "/" + img.Name[strings.LastIndexByte(img.Name, '/')+1:]
	r.of.Import(t, img)
	c := r.of.Ctr(t, "images", "push", "--plain-http", img.Name)
	c.netns = r.of.Netns // 1.7's ctr pushes by itself
	c.Output(t)
	return img.Name
}
