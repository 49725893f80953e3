package imagefile

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image/manifest"
	"wasmgo/test/guests"
)

func temporary(t *testing.T) *Store {
	t.Helper()
	s, err := Temporary()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// write writes files below a directory of the test's and returns it.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// built is an image of a module, another one and a file.
func built(t *testing.T, s *Store, shape manifest.Shape) v1.Descriptor {
	t.Helper()
	dir := write(t, map[string][]byte{"app.wasm": guests.Bytes(t, "args"), "two.wasm": guests.Bytes(t, "cat"), "x.txt": []byte("text")})
	d, err := Build(t.Context(), s, []Part{
		{filepath.Join(dir, "app.wasm"), "app.wasm"}, {filepath.Join(dir, "x.txt"), "etc/x.txt"}, {filepath.Join(dir, "two.wasm"), "bin/two.wasm"},
	}, shape)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseParts(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []Part
		bad  bool
	}{
		{[]string{"dir/app.wasm"}, []Part{{"dir/app.wasm", "app.wasm"}}, false},
		{[]string{"app.wasm,etc/x=dir/x.txt", "b"}, []Part{{"app.wasm", "app.wasm"}, {"dir/x.txt", "etc/x"}, {"b", "b"}}, false},
		{[]string{"/a/../b=f"}, []Part{{"f", "b"}}, false},
		{[]string{"../../b=f"}, []Part{{"f", "b"}}, false},
		{[]string{"a=b=c"}, []Part{{"b=c", "a"}}, false},
		{[]string{""}, nil, true},
		{[]string{"a,"}, nil, true},
		{[]string{"=a"}, nil, true},
		{[]string{"a="}, nil, true},
		{[]string{"/=a"}, nil, true},
	} {
		got, err := ParseParts(c.args)
		if !slices.Equal(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%q: %v, %v", c.args, got, err)
		}
	}
}

func TestFullName(t *testing.T) {
	for ref, want := range map[string]string{
		"hello": "docker.io/library/hello:latest", "a/b:1": "docker.io/a/b:1", "example.org/a:1": "example.org/a:1", "A": "", "": "",
	} {
		if got, err := FullName(ref); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", ref, got, err, want)
		}
	}
}

// TestEveryShapeIsWhatItSays: built, written as an archive, read again, and told.
func TestEveryShapeIsWhatItSays(t *testing.T) {
	for _, c := range []struct {
		shape    manifest.Shape
		platform string
		layers   []string
		start    string
	}{
		{manifest.ShapeL, "wasi/wasm", []string{"wasm app.wasm", "file etc/x.txt", "wasm bin/two.wasm"}, `["/app.wasm"] selects one of /app.wasm, /bin/two.wasm`},
		{manifest.ShapeA, "wasip1/wasm", []string{"wasm app.wasm", "file etc/x.txt", "wasm bin/two.wasm"}, "no command in the image"},
		{manifest.ShapeT, "wasi/wasm", []string{"tar "}, `["/app.wasm"] runs /app.wasm: calls _start`},
	} {
		t.Run(string(c.shape), func(t *testing.T) {
			s := temporary(t)
			d := built(t, s, c.shape)
			if again := built(t, s, c.shape); again.Digest != d.Digest {
				t.Errorf("the same files gave %s and %s", d.Digest, again.Digest)
			}
			src := reopen(t, s, d)
			r, err := Inspect(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			var layers []string
			for _, l := range r.Layers {
				layers = append(layers, l.Kind+" "+l.Title)
			}
			if !slices.Equal(layers, c.layers) || r.Shape != c.shape || r.Platform != c.platform || !strings.Contains(r.Start, c.start) || r.Digest != d.Digest.String() {
				t.Errorf("%+v", r)
			}
			var out bytes.Buffer
			if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "wasi_snapshot_preview1.fd_write") || !strings.Contains(out.String(), "example.org/a:1") {
				t.Errorf("%v\n%s", err, out.String())
			}
			img, err := src.Image(t.Context())
			if err != nil || img.Manifest.Annotations[KindAnnotation] != "module" || img.Manifest.Annotations[WASIAnnotation] != "0.1" {
				t.Errorf("%v, %+v", err, img)
			}
		})
	}
}

// reopen writes an image as an archive and opens that.
func reopen(t *testing.T, s *Store, d v1.Descriptor) *Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Export(t.Context(), f, "example.org/a:1", d), f.Close()); err != nil {
		t.Fatal(err)
	}
	src, err := OpenArchive(t.Context(), path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src
}

// TestConvertThereAndBack: whatever the way, the same modules and files come to the same image.
func TestConvertThereAndBack(t *testing.T) {
	s := temporary(t)
	want := built(t, s, manifest.ShapeL)
	for _, way := range []string{"L", "AL", "TL", "ATL", "TAL", "LTATAL"} {
		src := &Source{Store: s, Target: built(t, s, manifest.ShapeL)}
		for _, shape := range way {
			img, err := src.Image(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			d, err := Convert(t.Context(), src, img, s, manifest.Shape(string(shape)), nil)
			if err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			src.Target = d
		}
		got, err := src.Image(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		have, expect := titles(got), titles(open(t, s, want))
		if !maps.Equal(have, expect) || !slices.Equal(got.Config.Process.Entrypoint, []string{"/app.wasm"}) {
			t.Errorf("%s: %v, %q, want %v", way, have, got.Config.Process.Entrypoint, expect)
		}
	}
}

func open(t *testing.T, s *Store, d v1.Descriptor) *Image {
	t.Helper()
	img, err := (&Source{Store: s, Target: d}).Image(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func titles(img *Image) map[string]digest.Digest {
	out := map[string]digest.Digest{}
	for _, l := range img.Manifest.Layers {
		out[l.Path+" "+l.Descriptor.MediaType] = l.Descriptor.Digest
	}
	return out
}

func TestConvertSaysWhatIsRun(t *testing.T) {
	s := temporary(t)
	src := &Source{Store: s, Target: built(t, s, manifest.ShapeA)}
	d, err := Convert(t.Context(), src, open(t, s, src.Target), s, manifest.ShapeL, []string{"/bin/two.wasm", "-x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := open(t, s, d).Config.Process; !slices.Equal(got.Entrypoint, []string{"/bin/two.wasm", "-x"}) {
		t.Errorf("%+v", got)
	}
}

// TestImagesDifferByTheirConfigurations: CRI calls an image by the digest of its configuration alone.
func TestImagesDifferByTheirConfigurations(t *testing.T) {
	s := temporary(t)
	seen := map[digest.Digest]string{}
	for _, guest := range []string{"args", "cat"} {
		dir := write(t, map[string][]byte{"app.wasm": guests.Bytes(t, guest)})
		for _, shape := range []manifest.Shape{manifest.ShapeA, manifest.ShapeL, manifest.ShapeT} {
			d, err := Build(t.Context(), s, []Part{{filepath.Join(dir, "app.wasm"), "app.wasm"}}, shape)
			if err != nil {
				t.Fatal(err)
			}
			config := open(t, s, d).Manifest.Config.Digest
			if other, ok := seen[config]; ok {
				t.Errorf("%s in shape %s and %s have the same configuration", guest, shape, other)
			}
			seen[config] = guest + " in shape " + string(shape)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	bad := guests.Bad(t)
	dir := write(t, map[string][]byte{
		"text.wat": []byte("(module)"), "native": []byte("\x7fELF" + strings.Repeat("x", 60)), "empty": nil, "words": []byte("hello"),
		"cut.wasm": []byte("\x00asm\x01\x00\x00\x00\x01\xff"), "random": bad["random"],
	})
	for name, says := range map[string]string{
		"text.wat": "wasm-tools parse", "native": "native program", "empty": "empty", "words": "not WebAssembly", "cut.wasm": "core module", "missing": "no such file", "random": "not WebAssembly",
	} {
		_, err := Build(t.Context(), temporary(t), []Part{{filepath.Join(dir, name), "app.wasm"}}, manifest.ShapeL)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v, want %q", name, err, says)
		}
	}
	app := write(t, map[string][]byte{"app.wasm": guests.Bytes(t, "args")})
	if _, err := Build(t.Context(), temporary(t), []Part{{filepath.Join(app, "app.wasm"), "a"}}, "X"); err == nil || !strings.Contains(err.Error(), "T, L and A") {
		t.Errorf("a shape there is not: %v", err)
	}
}

// entry is a member of a tar layer.
type entry struct {
	name, content string
	kind          byte // tar.Type…; 0 is a regular file
}

// layers is an image of shape T of these layers.
func layers(t *testing.T, s *Store, list ...[]entry) *Source {
	t.Helper()
	var descriptors []v1.Descriptor
	var diffs []digest.Digest
	for _, l := range list {
		var b bytes.Buffer
		out := tar.NewWriter(&b)
		for _, e := range l {
			h := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o644, Typeflag: e.kind}
			if e.kind == 0 {
				h.Typeflag = tar.TypeReg
			}
			if err := out.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Write([]byte(e.content)); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		d := v1.Descriptor{MediaType: v1.MediaTypeImageLayer, Digest: digest.FromBytes(b.Bytes()), Size: int64(b.Len())}
		if err := s.write(t.Context(), bytes.NewReader(b.Bytes()), d, nil); err != nil {
			t.Fatal(err)
		}
		descriptors, diffs = append(descriptors, d), append(diffs, d.Digest)
	}
	config, err := s.writeJSON(t.Context(), v1.MediaTypeImageConfig, v1.Image{Platform: wasiPlatform, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffs}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.writeJSON(t.Context(), v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest, Config: config, Layers: descriptors,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Source{Store: s, Target: m}
}

const module = "\x00asm\x01\x00\x00\x00"

func TestRootFS(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers [][]entry
		want   string // path, layer, and whether it is Wasm
	}{
		{"files of all layers", [][]entry{{{name: "a"}, {name: "d/", kind: tar.TypeDir}, {name: "d/b.wasm", content: module}}, {{name: "./c"}}}, "/a@0 /c@1 /d/b.wasm@0*"},
		{"a later layer wins", [][]entry{{{name: "a", content: module}}, {{name: "a", content: "x"}}}, "/a@1"},
		{"a whiteout", [][]entry{{{name: "a"}, {name: "d/b"}}, {{name: ".wh.a"}, {name: "d/.wh.b"}, {name: "d/c"}}}, "/d/c@1"},
		{"a whiteout of a directory", [][]entry{{{name: "d/e/b"}, {name: "de"}}, {{name: ".wh.d"}}}, "/de@0"},
		{"an opaque directory", [][]entry{{{name: "d/b"}, {name: "de"}}, {{name: "d/c"}, {name: "d/.wh..wh..opq"}}}, "/d/c@1 /de@0"},
		{"names that lead up stay below the root", [][]entry{{{name: "../../a"}}}, "/a@0"},
		{"a file of the same layer twice", [][]entry{{{name: "a"}, {name: "a", content: module}}}, "/a@0*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := temporary(t)
			src := layers(t, s, c.layers...)
			files, err := src.rootFS(t.Context(), open(t, s, src.Target))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range slices.Sorted(maps.Keys(files)) {
				line := fmt.Sprintf("%s@%d", p, files[p].layer)
				if files[p].wasm {
					line += "*"
				}
				got = append(got, line)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestConvertOfARootFSThatIsMoreThanFiles(t *testing.T) {
	many := make([]entry, manifest.MaxLayers+1)
	for i := range many {
		many[i] = entry{name: fmt.Sprint("f", i)}
	}
	for name, list := range map[string][]entry{
		"/link is no regular file": {{name: "a.wasm", content: module}, {name: "link", kind: tar.TypeSymlink}},
		"129 files":                many,
	} {
		s := temporary(t)
		src := layers(t, s, list)
		_, err := Convert(t.Context(), src, open(t, s, src.Target), s, manifest.ShapeL, nil)
		if !errors.Is(err, ErrRootFS) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s := temporary(t)
	src := layers(t, s, []entry{{name: "x"}})
	if _, err := Convert(t.Context(), src, open(t, s, src.Target), s, manifest.ShapeL, nil); err == nil || !strings.Contains(err.Error(), "no Wasm") {
		t.Errorf("without a module: %v", err)
	}
}

func TestOpenArchiveRefuses(t *testing.T) {
	dir := write(t, map[string][]byte{"words": []byte("hello"), "empty": nil})
	for _, name := range []string{"words", "empty", "missing"} {
		if _, err := OpenArchive(t.Context(), filepath.Join(dir, name), ""); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	s := temporary(t)
	src := reopen(t, s, built(t, s, manifest.ShapeL))
	path := filepath.Join(t.TempDir(), "again.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(src.Export(t.Context(), f, "example.org/b:1", src.Target), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(t.Context(), path, "example.org/c:1"); err == nil || !strings.Contains(err.Error(), "example.org/b:1") {
		t.Errorf("an image it has not: %v", err)
	}
}

func TestInspectFile(t *testing.T) {
	r, err := InspectFile(guests.Component(t, "c_tool"))
	if err != nil || r.Layers[0].Wasm.Kind != "component" || !strings.Contains(r.Start, "wasi:cli/run") {
		t.Errorf("%+v, %v", r, err)
	}
	dir := write(t, map[string][]byte{"words.wasm": []byte("hello"), "m": []byte(module), "t.tar": make([]byte, 1024)})
	if _, err := InspectFile(filepath.Join(dir, "words.wasm")); err == nil || !strings.Contains(err.Error(), "not WebAssembly") {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]bool{"m": true, "t.tar": false, "missing.wasm": true, "missing": false} {
		if got := IsModule(filepath.Join(dir, name)); got != want {
			t.Errorf("%s is a module: %v", name, got)
		}
	}
}

func TestPrintableKeepsTheTerminal(t *testing.T) {
	if got := printable("a\x1b[2Jb\u009bc\nd"); got != "a�[2Jb�c�d" {
		t.Errorf("got %q", got)
	}
}

func TestTemporaryIsRemoved(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "wasmgo-image-*"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Temporary()
	if err != nil {
		t.Fatal(err)
	}
	built(t, s, manifest.ShapeT)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "wasmgo-image-*"))
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("left: %v, %v", after, err)
	}
}
