package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// Media types of modules.
const (
	typeWasm      = "application/wasm"
	typeContent   = "application/vnd.wasm.content.layer.v1+wasm"
	typeComponent = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
)

// shape is an image in one of the ways the ecosystem has, and what it prints when it is run with args.
type shape struct {
	name  string
	image pack.Image
	args  []string // in place of the image's command; none is the image's own
	want  string
}

// wasmLayer is a layer of an image of shape L or A.
func wasmLayer(mediaType, title string, content []byte) pack.Layer {
	return pack.Layer{MediaType: mediaType, Title: title, Content: content}
}

// shapes are all of them, plain and behind an index with an attestation.
func shapes(t *testing.T) []shape {
	t.Helper()
	args, files := guests.Bytes(t, "args"), guests.Bytes(t, "files")
	runs := v1.ImageConfig{Cmd: []string{"/app.wasm", "1"}}
	several := []pack.Layer{wasmLayer(typeWasm, "one.wasm", files), wasmLayer(typeComponent, "bin/two.wasm", args), wasmLayer(typeContent, "three.wasm", files)}
	list := []shape{
		{"T a file in a tar layer", pack.Image{Config: runs, Files: map[string]pack.File{"/app.wasm": {Content: args}}}, nil, "/app.wasm\n1"},
		{"L one layer of type wasm", pack.Image{Config: runs, Layers: []pack.Layer{wasmLayer(typeWasm, "app.wasm", args)}}, nil, "/app.wasm\n1"},
		{"L one layer of type wasm.content", pack.Image{Config: runs, Layers: []pack.Layer{wasmLayer(typeContent, "", args)}}, nil, "/app.wasm\n1"},
		{"L one layer of type wasm.component", pack.Image{Config: runs, Layers: []pack.Layer{wasmLayer(typeComponent, "other.wasm", args)}}, []string{"any", "thing"}, "any\nthing"},
		{"L several layers, the first argument selects", pack.Image{Config: runs, Layers: several}, []string{"/bin/two.wasm", "x"}, "/bin/two.wasm\nx"},
		{"L several layers, the first argument is looked for along PATH", pack.Image{Config: runs, Layers: several}, []string{"two.wasm"}, "two.wasm"},
		{"L beside a tar layer", pack.Image{
			Config: runs, Files: map[string]pack.File{"/etc/greet": {Content: []byte("from the tar layer")}},
			Layers: []pack.Layer{wasmLayer(typeWasm, "app.wasm", files)},
		}, []string{"/app.wasm", "read", "/etc/greet"}, "from the tar layer"},
		{"A one layer without a name", pack.Image{Artifact: true, Layers: []pack.Layer{wasmLayer(typeWasm, "", args)}}, []string{"/app", "1"}, "/app\n1"},
		{"A several layers, the first argument selects", pack.Image{Artifact: true, Layers: several}, []string{"bin/two.wasm", "x"}, "bin/two.wasm\nx"},
		{"A other layers are files", pack.Image{Artifact: true, Layers: []pack.Layer{
			wasmLayer("text/plain", "data/deep/greet.txt", []byte("from a layer")),
			wasmLayer(typeWasm, "app.wasm", files),
		}}, []string{"/app.wasm", "read", "/data/deep/greet.txt"}, "from a layer"},
	}
	var out []shape
	for i, s := range list {
		for _, index := range []bool{false, true} {
			s := s
			s.image.Name = fmt.Sprintf("test.local/shape-%d:plain", i)
			if index {
				s.image.Index = true
				s.image.Name = fmt.Sprintf("test.local/shape-%d:index", i)
				s.name += ", behind an index"
			}
			out = append(out, s)
		}
	}
	return out
}

// errArtifact is what containerd's client, and ctr with it, says of the configuration of an artifact, before a shim is asked.
const errArtifact = "unknown image config media type application/vnd.wasm.config.v0+json"

// TestShapes runs every shape with every client. What a client refuses by itself is refused with its own message, and runs after
// `image convert`.
func TestShapes(t *testing.T) {
	daemon.NeedRoot(t)
	list := shapes(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			e := env{ContainerdDaemon: daemon.Containerd(t, daemon.Version(version)), last: new(atomic.Int64)}
			for _, s := range list {
				t.Run(s.name, func(t *testing.T) {
					e.image = e.Import(t, s.image)
					t.Run("ctr", func(t *testing.T) { e.shapeThroughCtr(t, s) })
					t.Run("Go client", func(t *testing.T) { e.shapeThroughClient(t, s) })
				})
			}
		})
	}
	t.Run("docker", func(t *testing.T) {
		d := daemon.Dockerd(t)
		for _, s := range list {
			t.Run(s.name, func(t *testing.T) {
				d.Load(t, s.image)
				args := []string{"run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", s.image.Name}
				s.check(t, d.Docker(t, append(args, s.args...)...).Run(t))
			})
		}
	})
}

// check compares what a client said with what the guest should.
func (s *shape) check(t *testing.T, got daemon.Result) {
	t.Helper()
	if got.Code != 0 || strings.TrimSpace(got.Stdout) != s.want {
		t.Errorf("exit code %d, %q, want %q\n%s", got.Code, got.Stdout, s.want, got.Stderr)
	}
}

func (e env) shapeThroughCtr(t *testing.T, s shape) {
	if !s.image.Artifact {
		s.check(t, e.ctrRun(t, nil, s.args...).Run(t))
		return
	}
	got := e.ctrRun(t, nil, s.args...).Run(t)
	if got.Code == 0 || !strings.Contains(got.Stderr, errArtifact) {
		t.Errorf("exit code %d, %q, want a refusal: %s", got.Code, got.Stderr, errArtifact)
	}
	converted := s.image.Name + "-converted"
	e.CLI(t, "image", "convert", "--namespace", e.Namespace, s.image.Name, "--tag", converted, "--containerd", e.Namespace).Output(t)
	e.Ctr(t, "images", "check", "name=="+converted).Output(t)
	id := e.id()
	run := e.Ctr(t, append([]string{"run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", converted, id}, s.args...)...)
	s.check(t, run.Run(t))
}

func (e env) shapeThroughClient(t *testing.T, s shape) {
	if !s.image.Artifact {
		code, out, errs := e.run(t, want{args: s.args})
		s.check(t, daemon.Result{Code: int(code), Stdout: out, Stderr: errs})
		return
	}
	_, err := e.Client().NewContainer(e.Context(t), e.id(), client.WithImage(e.image), client.WithNewSpec(oci.WithImageConfigArgs(e.image, s.args)))
	if err == nil || !strings.Contains(err.Error(), errArtifact) {
		t.Errorf("got %v, want a refusal: %s", err, errArtifact)
	}
	// A client that does not ask the image what to run can run it as it is.
	code, out, errs := e.run(t, want{args: s.args, plain: true})
	s.check(t, daemon.Result{Code: int(code), Stdout: out, Stderr: errs})
}

// TestBuiltImagesRun: what `image build` makes, and `image convert` out of that, is run by every client but for what errArtifact says.
func TestBuiltImagesRun(t *testing.T) {
	daemon.NeedRoot(t)
	dir := t.TempDir()
	app, data := filepath.Join(dir, "app.wasm"), filepath.Join(dir, "greet.txt")
	writeFile(t, app, guests.Bytes(t, "files"))
	writeFile(t, data, []byte("from a file"))
	d := daemon.Dockerd(t)
	c := d.Containerd
	e := env{ContainerdDaemon: c, last: new(atomic.Int64)}
	archive := func(name string) string { return filepath.Join(dir, name+".tar") }
	c.CLI(t, "image", "build", app+",etc/greet="+data, "-t", "test.local/built:L", "-o", archive("L")).Output(t)
	for _, shape := range []string{"A", "T"} {
		c.CLI(t, "image", "convert", archive("L"), "--shape", shape, "-t", "test.local/built:"+shape, "-o", archive(shape)).Output(t)
	}
	c.CLI(t, "image", "convert", archive("A"), "-t", "test.local/built:again", "-o", archive("again")).Output(t)
	for _, tag := range []string{"L", "A", "T", "again"} {
		t.Run(tag, func(t *testing.T) {
			ref := "test.local/built:" + tag
			s := shape{want: "from a file"}
			run := []string{"run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform"}
			if tag == "A" { // it has no command of its own, and the platform of its specification
				run = append(run, "wasip1/wasm", ref, "/app.wasm", "read", "/etc/greet")
			} else {
				run = append(run, "wasi/wasm", ref, "read", "/etc/greet")
			}
			d.Docker(t, "load", "--input", archive(tag)).Output(t)
			s.check(t, d.Docker(t, run...).Run(t))
			if tag == "A" {
				return
			}
			c.Ctr(t, "images", "import", "--all-platforms", "--no-unpack", archive(tag)).Output(t)
			s.check(t, c.Ctr(t, "run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", ref, e.id(), "/app.wasm", "read", "/etc/greet").Run(t))
		})
	}
	for _, letter := range []string{"L", "T"} {
		ref := "test.local/direct:" + letter
		c.CLI(t, "image", "build", app+",etc/greet="+data, "--shape", letter, "-t", ref, "--containerd", c.Namespace).Output(t)
		s := shape{want: "from a file"}
		s.check(t, d.Docker(t, "run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", ref, "read", "/etc/greet").Run(t))
	}
	for name, want := range map[string][]string{
		archive("A"): {"Shape:", "A", "image convert", "wasi_snapshot_preview1.fd_write", "calls _start", "WASI:", "0.1", "etc/greet"},
		archive("T"): {"Shape:", "T", "/app.wasm"},
		app:          {"module", "calls _start", "0.1"},
	} {
		mustContain(t, c.CLI(t, "image", "inspect", name).Output(t), want...)
	}
	built, err := os.ReadFile(archive("L"))
	if err != nil {
		t.Fatal(err)
	}
	c.CLI(t, "image", "build", app+",etc/greet="+data, "-t", "test.local/built:L", "-o", archive("L")).Output(t)
	if again, err := os.ReadFile(archive("L")); err != nil || !bytes.Equal(built, again) {
		t.Errorf("the same files gave another image (%v)", err)
	}
}
