package integration

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// imageCases are about modules that are layers, beyond that they run.
var imageCases = []testCase{
	{"the image a container was made from runs, also after its tag has moved and nothing else needs its content", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		c := e.start(t, want{args: []string{"first"}})
		if code := c.end(t); code != 0 || c.stdout.String() != "first\n" {
			t.Fatalf("exit code %d, %q\n%s", code, c.stdout, c.stderr)
		}
		e.move(t, name)
		if _, err := e.Client().ContentStore().Info(e.Context(t), digest.FromBytes(module)); err != nil {
			t.Errorf("the layer: %v", err)
		}
		again := e.again(t, c)
		if code := again.end(t); code != 0 || again.stdout.String() != "first\n" {
			t.Errorf("exit code %d, %q\n%s", code, again.stdout, again.stderr)
		}
	}},
	{"an image whose tag moves between creation and first start is refused, because nobody knows what it meant", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		made := e.made(t)
		e.move(t, name)
		mustFail(t, e, made, name, "make the container again")
	}},
	{"an image whose name is gone at the first start is an error that names it", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		made := e.made(t)
		if err := e.Client().ImageService().Delete(e.Context(t), name); err != nil {
			t.Fatal(err)
		}
		mustFail(t, e, made, name, "not in containerd any more")
	}},
	{"content that is missing is an error that names image and layer", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		made := e.made(t)
		d := digest.FromBytes(module)
		if err := e.Client().ContentStore().Delete(e.Context(t), d); err != nil {
			t.Fatal(err)
		}
		mustFail(t, e, made, name, `layer 1 of 1, "app.wasm"`, d.String(), "pull it again")
	}},
	{"content that is not what its digest says is an error that names image and layer", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		made := e.made(t)
		d := digest.FromBytes(module)
		blob := filepath.Join(e.Dir, "root", "io.containerd.content.v1.content", "blobs", "sha256", d.Encoded())
		if err := os.Remove(blob); err != nil {
			t.Fatal(err)
		}
		writeFile(t, blob, append(module[:len(module)-1:len(module)-1], module[len(module)-1]+1))
		mustFail(t, e, made, name, `layer 1 of 1, "app.wasm"`, d.String(), "damaged")
	}},
	{"an image that cannot be run is refused with a message that names it", func(t *testing.T, e env) {
		fifty := make([]pack.Layer, 50)
		for i := range fifty {
			fifty[i] = wasmLayer(typeWasm, fmt.Sprintf("m%d.wasm", i), fmt.Appendf(nil, "module %d", i))
		}
		_, own := e.fresh(t, "args")
		for _, c := range []struct {
			name   string
			layers []pack.Layer
			code   uint32
			says   []string
		}{
			{"fifty layers and none is named", fifty, 127, []string{"50 Wasm layers", "/app.wasm", "/m0.wasm", "40 more"}},
			{"layers without names", []pack.Layer{wasmLayer(typeWasm, "", own), wasmLayer(typeContent, "", own)}, 127, []string{"2 Wasm layers", "2 have no title"}},
			{"a title that leads out", []pack.Layer{wasmLayer(typeWasm, "../../app.wasm", own)}, 126, []string{"layer 1 of 1", "../../app.wasm"}},
			{"machine code", []pack.Layer{wasmLayer(typeWasm, "app.wasm", compiled(t, own))}, 126, []string{"layer 1 of 1", "machine code"}},
			{"a layer that is no Wasm", []pack.Layer{wasmLayer(typeWasm, "app.wasm", []byte("hello"))}, 126, []string{"layer 1 of 1", "not WebAssembly"}},
			{"a layer that is empty", []pack.Layer{wasmLayer(typeWasm, "app.wasm", nil)}, 126, []string{"layer 1 of 1", "empty"}},
			{"no Wasm layer", []pack.Layer{wasmLayer("text/plain", "x", nil)}, 127, []string{"/app.wasm does not exist"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				name, _ := e.fresh(t, "args")
				e.image = e.Import(t, layerImage(name, nil, c.layers...))
				code, _, errs := e.run(t, want{})
				if code != c.code {
					t.Errorf("exit code %d, want %d", code, c.code)
				}
				mustContain(t, errs, append(c.says, name)...)
			})
		}
	}},
	{"an artifact without a Wasm layer is refused with a message that names it", func(t *testing.T, e env) {
		name, _ := e.fresh(t, "args")
		img := pack.Image{Name: name, Artifact: true, Layers: []pack.Layer{{}}}
		e.image = e.Import(t, img)
		code, _, errs := e.run(t, want{args: []string{"/app.wasm"}, plain: true})
		if code != 127 {
			t.Errorf("exit code %d, want 127", code)
		}
		mustContain(t, errs, name, "no Wasm layer")
	}},
	{"an image without layers is refused with a message that names it", func(t *testing.T, e env) {
		name, _ := e.fresh(t, "args")
		e.image = e.Import(t, pack.Image{Name: name, Config: v1.ImageConfig{Cmd: []string{"/app.wasm"}}, Empty: true})
		code, _, errs := e.run(t, want{})
		if code != 127 {
			t.Errorf("exit code %d, want 127", code)
		}
		mustContain(t, errs, name, "has no layers")
	}},
	{"files of an artifact stay out of volumes, and are there in a read-only root", func(t *testing.T, e env) {
		name, module := e.fresh(t, "files")
		e.image = e.Import(t, pack.Image{Name: name, Artifact: true, Layers: []pack.Layer{
			wasmLayer(typeWasm, "app.wasm", module),
			wasmLayer("text/plain", "data/greet", []byte("from the image")),
			wasmLayer("text/plain", "other/greet", []byte("beside it")),
		}})
		volume := t.TempDir()
		run := want{args: []string{"/app.wasm", "read", "/other/greet", "read", "/data/greet"}, plain: true}
		code, out, _ := e.run(t, run.with(bind(volume, "/data"), oci.WithRootFSReadonly()))
		if code == 0 || out != "beside it" {
			t.Errorf("exit code %d, %q", code, out)
		}
		if entries, err := os.ReadDir(volume); err != nil || len(entries) != 0 {
			t.Errorf("the volume has %v, %v", entries, err)
		}
		code, out, errs := e.run(t, want{args: []string{"/app.wasm", "read", "/data/greet", "write", "/data/greet", "x"}, plain: true}.with(oci.WithRootFSReadonly()))
		if code == 0 || out != "from the image" {
			t.Errorf("read-only: exit code %d, %q\n%s", code, out, errs)
		}
	}},
	{"a component that is a layer runs", func(t *testing.T, e env) {
		component, err := os.ReadFile(guests.Component(t, "c_tool"))
		if err != nil {
			t.Fatal(err)
		}
		name, _ := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, nil, wasmLayer(typeComponent, "", component)))
		code, out, errs := e.run(t, want{args: []string{"tool", "args", "one"}})
		if code != 0 || !strings.Contains(out, "one") {
			t.Errorf("exit code %d, %q\n%s", code, out, errs)
		}
	}},
	{"machine code runs where the host's owner allows it, as a layer and as a file", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		code := compiled(t, module)
		config := v1.ImageConfig{Cmd: []string{"/app.cwasm", "one"}}
		for _, img := range []pack.Image{
			{Name: name, Config: config, Layers: []pack.Layer{wasmLayer(typeWasm, "app.cwasm", code)}},
			{Name: name + "-file", Config: config, Files: map[string]pack.File{"/app.cwasm": {Content: code}}},
		} {
			e.image = e.Import(t, img)
			if code, _, errs := e.run(t, want{}); code != 126 || !strings.Contains(errs, "AllowMachineCode") {
				t.Errorf("%s by default: exit code %d, %s", img.Name, code, errs)
			}
			for range 2 {
				code, out, errs := e.run(t, want{options: &runtimeoptions.Options{ConfigBody: []byte("AllowMachineCode = true")}})
				if code != 0 || out != "/app.cwasm\none\n" {
					t.Errorf("%s: exit code %d, %q\n%s", img.Name, code, out, errs)
				}
			}
		}
	}},
	{"no containerd to ask is an error that says what was not found", func(t *testing.T, e env) {
		name, module := e.fresh(t, "args")
		e.image = e.Import(t, layerImage(name, module))
		c := e.start(t, want{args: []string{"first"}})
		c.end(t)
		if err := os.Rename(e.Address, e.Address+".away"); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.Rename(e.Address+".away", e.Address); err != nil {
				t.Error(err)
			}
		}()
		_, err := c.NewTask(e.Context(t), e.streams(io.Discard, io.Discard))
		if err == nil {
			t.Fatal("it started")
		}
		mustContain(t, err.Error(), "first was not found", "containerd cannot be reached", e.Address)
	}},
}

// TestImages is apart from TestContainerd because its last cases take things away from the daemon.
func TestImages(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			e := env{ContainerdDaemon: daemon.Containerd(t, daemon.Version(version)), last: new(atomic.Int64)}
			for _, c := range imageCases {
				t.Run(c.name, func(t *testing.T) { c.run(t, e) })
			}
		})
	}
}

// fresh returns the name of an image, and a module that nobody has compiled yet: the guest with a section of its own.
func (e env) fresh(t *testing.T, guest string) (name string, module []byte) {
	t.Helper()
	id := e.id()
	section := "\x01x" + t.Name() + id
	module = append(guests.Bytes(t, guest), 0, byte(len(section)&0x7f|0x80), byte(len(section)>>7))
	return "test.local/" + id + ":1", append(module, section...)
}

// layerImage is an image of shape L: the module as app.wasm, unless it is nil, and the layers.
func layerImage(name string, module []byte, layers ...pack.Layer) pack.Image {
	if module != nil {
		layers = append(layers, wasmLayer(typeWasm, "app.wasm", module))
	}
	return pack.Image{Name: name, Config: v1.ImageConfig{Cmd: []string{"/app.wasm"}}, Layers: layers}
}

// move gives the name to another image and has containerd collect what nobody needs any more.
func (e env) move(t *testing.T, name string) {
	t.Helper()
	e.Import(t, layerImage(name, guests.Bytes(t, "exit_code")))
	other := name + "-other"
	e.Import(t, layerImage(other, guests.Bytes(t, "trap")))
	if err := e.Client().ImageService().Delete(e.Context(t), other, images.SynchronousDelete()); err != nil {
		t.Fatal(err)
	}
}

// again starts the container's task once more.
func (e env) again(t *testing.T, c *container) *container {
	t.Helper()
	r := &container{Container: c.Container, stdout: newOutput(), stderr: newOutput(), ctx: c.ctx}
	var err error
	if r.task, err = c.NewTask(c.ctx, e.streams(r.stdout, r.stderr)); err != nil {
		t.Fatalf("start %s again: %v", c.ID(), err)
	}
	if r.exited, err = r.task.Wait(c.ctx); err != nil {
		t.Fatal(err)
	}
	r.start(t)
	return r
}

func (e env) streams(stdout, stderr io.Writer) cio.Creator {
	return cio.NewCreator(cio.WithStreams(nil, stdout, stderr), cio.WithFIFODir(filepath.Join(e.Dir, "fifo")))
}

// made makes a container of the image, without a task.
func (e env) made(t *testing.T) client.Container {
	t.Helper()
	id := e.id()
	made, err := e.Client().NewContainer(e.Context(t), id, client.WithImage(e.image), client.WithNewSnapshot(id, e.image),
		client.WithRuntime(daemon.Runtime, nil), client.WithNewSpec(oci.WithImageConfig(e.image)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.remove(t, made) })
	return made
}

// mustFail makes sure that a container's task cannot be created, and says why.
func mustFail(t *testing.T, e env, c client.Container, says ...string) {
	t.Helper()
	task, err := c.NewTask(e.Context(t), e.streams(io.Discard, io.Discard))
	if err == nil {
		if _, err := task.Delete(e.Context(t), client.WithProcessKill); err != nil {
			t.Error(err)
		}
		t.Fatal("it was created")
	}
	mustContain(t, err.Error(), says...)
}
