package integration

import (
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// dockerImageCases are about modules that are layers, beyond that they run (TestShapes).
var dockerImageCases = []dockerCase{
	{"the image a container was created from runs, also after its tag has moved before the first start, and at each restart", func(t *testing.T, d docker) {
		const name = "test.local/moves:1"
		d.Load(t, layerImage(name, guests.Bytes(t, "args")))
		for _, flags := range [][]string{nil, {"--network", "host"}} {
			id := d.create(t, flags, name, "old")
			d.Load(t, layerImage(name, guests.Bytes(t, "exit_code")))
			for range 2 {
				d.Docker(t, "start", id).Output(t)
				if got := d.Docker(t, "wait", id).Output(t); got != "0" {
					t.Errorf("exit code %s, want 0", got)
				}
			}
			if got := d.Docker(t, "logs", id).Output(t); got != "old\nold" {
				t.Errorf("it printed %q", got)
			}
			d.Load(t, layerImage(name, guests.Bytes(t, "args")))
		}
	}},
	{"a container whose image was removed by force starts again", func(t *testing.T, d docker) {
		const name = "test.local/removed:1"
		d.Load(t, layerImage(name, guests.Bytes(t, "args")))
		id := d.create(t, nil, name, "old")
		d.Docker(t, "rmi", "--force", name).Output(t)
		got := d.Docker(t, "start", "--attach", id).Run(t)
		if got.Code != 0 || got.Stdout != "old\n" {
			t.Errorf("exit code %d, %q\n%s", got.Code, got.Stdout, got.Stderr)
		}
	}},
	{"files of an artifact are the container's own: changed ones stay, and a read-only root has them", func(t *testing.T, d docker) {
		const name = "test.local/files:1"
		d.Load(t, pack.Image{Name: name, Artifact: true, Layers: []pack.Layer{
			wasmLayer(typeWasm, "app.wasm", guests.Bytes(t, "files")),
			wasmLayer("text/plain", "data/greet", []byte("hello")),
		}})
		id := d.create(t, nil, name, "/app.wasm", "read", "/data/greet", "write", "/data/greet", "changed")
		for _, want := range []string{"hello", "changed"} {
			if got := d.Docker(t, "start", "--attach", id).Run(t); got.Code != 0 || got.Stdout != want {
				t.Errorf("exit code %d, %q, want %q\n%s", got.Code, got.Stdout, want, got.Stderr)
			}
		}
		id = d.create(t, []string{"--read-only"}, name, "/app.wasm", "read", "/data/greet", "write", "/data/greet", "changed")
		if got := d.Docker(t, "start", "--attach", id).Run(t); got.Code != 1 || got.Stdout != "hello" || !strings.Contains(got.Stderr, "write /data/greet") {
			t.Errorf("read-only: exit code %d, %q\n%s", got.Code, got.Stdout, got.Stderr)
		}
	}},
	{"an image of docker buildx, saved and converted, runs with ctr as one of Wasm layers", func(t *testing.T, d docker) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "app.wasm"), guests.Bytes(t, "files"))
		writeFile(t, filepath.Join(dir, "greet"), []byte("hello"))
		writeFile(t, filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY app.wasm /\nCOPY greet /etc/\nENTRYPOINT [\"/app.wasm\"]\n"))
		d.Docker(t, "buildx", "build", "--platform", "wasi/wasm", "--tag", "test.local/buildx:1", dir).Output(t)
		saved, converted := filepath.Join(dir, "saved.tar"), filepath.Join(dir, "converted.tar")
		d.Docker(t, "save", "--output", saved, "test.local/buildx:1").Output(t)
		c := d.Containerd
		c.CLI(t, "image", "convert", saved, "-t", "test.local/buildx:L", "-o", converted).Output(t)
		mustContain(t, c.CLI(t, "image", "inspect", converted).Output(t), "wasm app.wasm", "file etc/greet", `["/app.wasm"] runs the one Wasm layer`)
		c.Ctr(t, "images", "import", "--all-platforms", "--no-unpack", converted).Output(t)
		run := []string{"run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "test.local/buildx:L", "buildx", "/app.wasm", "read", "/etc/greet"}
		if got := c.Ctr(t, run...).Run(t); got.Code != 0 || got.Stdout != "hello" {
			t.Errorf("exit code %d, %q\n%s", got.Code, got.Stdout, got.Stderr)
		}
	}},
	{"exec runs another module of the image, and does not bring back files that were removed", func(t *testing.T, d docker) {
		const name = "test.local/exec:1"
		d.Load(t, pack.Image{Name: name, Artifact: true, Layers: []pack.Layer{
			wasmLayer(typeWasm, "loop.wasm", guests.Bytes(t, "loop")),
			wasmLayer(typeWasm, "bin/files.wasm", guests.Bytes(t, "files")),
			wasmLayer("text/plain", "data/greet", []byte("hello")),
		}})
		id := d.create(t, nil, name, "/loop.wasm")
		d.Docker(t, "start", id).Output(t)
		if got := d.Docker(t, "exec", id, "/bin/files.wasm", "read", "/data/greet", "rm", "/data/greet").Run(t); got.Code != 0 || got.Stdout != "hello" {
			t.Errorf("exit code %d, %q\n%s", got.Code, got.Stdout, got.Stderr)
		}
		if got := d.Docker(t, "exec", id, "/bin/files.wasm", "read", "/data/greet").Run(t); got.Code != 1 {
			t.Errorf("exit code %d, %q\n%s", got.Code, got.Stdout, got.Stderr)
		}
		got := d.Docker(t, "exec", id, "/none.wasm").Run(t)
		if got.Code != 127 {
			t.Errorf("exit code %d, want 127", got.Code)
		}
		mustContain(t, got.Stderr, name, "/bin/files.wasm")
	}},
	{"an image without a module that is named is refused with a message that names it", func(t *testing.T, d docker) {
		const name = "test.local/nothing:1"
		args := guests.Bytes(t, "args")
		d.Load(t, layerImage(name, nil, wasmLayer(typeWasm, "one.wasm", args), wasmLayer(typeContent, "two.wasm", args)))
		got := d.Docker(t, "run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", name).Run(t)
		if got.Code != 127 {
			t.Errorf("exit code %d, want 127", got.Code)
		}
		mustContain(t, got.Stderr, name, "2 Wasm layers", "/one.wasm, /two.wasm")
	}},
}

// create creates a container that is removed when the test ends, and returns its id.
func (d docker) create(t *testing.T, flags []string, image string, args ...string) string {
	t.Helper()
	all := append([]string{"create", "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...)
	if len(flags) == 0 || flags[0] != "--network" {
		all = append(all, "--network", "none")
	}
	id := d.Docker(t, append(append(all, image), args...)...).Output(t)
	t.Cleanup(func() { d.remove(t, id) })
	return id
}
