package layers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/content"
	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
	"wasmgo/test/fakecontent"
)

// Times of the tests: an image is older than its container, unless a case is about that.
var (
	pulled  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	created = pulled.Add(time.Minute)
	moved   = created.Add(time.Minute)
)

// rig is a containerd with one container "c" of the image "img".
type rig struct {
	*fakecontent.Store
	client *content.Client
}

func newRig(t testing.TB) rig {
	t.Helper()
	s := fakecontent.Serve(t)
	c, err := content.Dial(s.Address, fakecontent.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created)})
	return rig{s, c}
}

// manifest puts a manifest into the store whose layers are "mediaType title"; their content is what they say.
func (r rig) manifest(t testing.TB, config string, layers ...string) v1.Descriptor {
	t.Helper()
	m := v1.Manifest{Config: r.Blob(config, []byte("{}"))}
	m.SchemaVersion = 2
	for _, l := range layers {
		mediaType, title, _ := strings.Cut(l, " ")
		d := r.Blob(mediaType, []byte(l))
		if title != "" {
			d.Annotations = map[string]string{v1.AnnotationTitle: title}
		}
		m.Layers = append(m.Layers, d)
	}
	return r.JSON(t, v1.MediaTypeImageManifest, m)
}

func (r rig) index(t *testing.T, list ...v1.Descriptor) v1.Descriptor {
	t.Helper()
	i := v1.Index{Manifests: list}
	i.SchemaVersion = 2
	return r.JSON(t, v1.MediaTypeImageIndex, i)
}

func (r rig) ask(t *testing.T, args ...string) (*image.Answer, error) {
	t.Helper()
	return resolve(t.Context(), r.client, query(args...))
}

func query(args ...string) image.Query {
	if len(args) == 0 {
		args = []string{"/app.wasm"}
	}
	return image.Query{Namespace: fakecontent.Namespace, Container: "c", Process: image.Process{Args: args, Cwd: "/work", Env: []string{"PATH=/bin"}}}
}

const wasm = manifest.MediaTypeWasm

func TestWhichLayerRuns(t *testing.T) {
	const (
		oci = v1.MediaTypeImageConfig
		art = manifest.MediaTypeWasmConfig
		tar = v1.MediaTypeImageLayerGzip
	)
	several := []string{wasm + " one.wasm", wasm + " bin/two.wasm", wasm + " work/three.wasm", "text/plain etc/x"}
	fifty := make([]string, 50)
	for i := range fifty {
		fifty[i] = fmt.Sprintf("%s m%d.wasm", wasm, i)
	}
	for _, c := range []struct {
		name   string
		config string
		layers []string
		arg    string
		want   int // the layer, from 1; 0 is none
		export string
		files  string
		code   int
		says   []string
	}{
		{name: "the only one, whatever the argument", config: oci, layers: []string{wasm}, arg: "x y", want: 1},
		{name: "the only one, and an export", config: oci, layers: []string{wasm}, arg: "x#wasi:cli/run@0.2.0#run", want: 1, export: "wasi:cli/run@0.2.0#run"},
		{name: "the only one by its name, and an export", config: oci, layers: []string{wasm + " a#b"}, arg: "/a#b#run", want: 1, export: "run"},
		{name: "the only Wasm among tar layers", config: oci, layers: []string{tar, wasm + " app.wasm", tar}, arg: "/app.wasm", want: 2},
		{name: "by an absolute path", config: oci, layers: several, arg: "/bin/two.wasm", want: 2, files: "/one.wasm /work/three.wasm /etc/x"},
		{name: "by a path from the working directory", config: art, layers: several, arg: "./three.wasm", want: 3, files: "/one.wasm /bin/two.wasm /etc/x"},
		{name: "by a path with dots", config: art, layers: several, arg: "../one.wasm", want: 1, files: "/bin/two.wasm /work/three.wasm /etc/x"},
		{name: "by a name along PATH", config: art, layers: several, arg: "two.wasm", want: 2, files: "/one.wasm /work/three.wasm /etc/x"},
		{name: "by a name in the working directory", config: art, layers: several, arg: "three.wasm", want: 3, files: "/one.wasm /bin/two.wasm /etc/x"},
		{name: "by a path, and an export", config: art, layers: several, arg: "/one.wasm#go", want: 1, export: "go", files: "/bin/two.wasm /work/three.wasm /etc/x"},
		{name: "a file that is named is looked at as a module", config: art, layers: several, arg: "/etc/x", want: 4, files: "/one.wasm /bin/two.wasm /work/three.wasm"},
		{name: "one of fifty", config: art, layers: fifty[:], arg: "/m49.wasm", want: 50, files: "*"},
		{name: "none of fifty", config: oci, layers: fifty, arg: "/app.wasm", code: 127, says: []string{"image img has 50 Wasm layers", `"/app.wasm" names none`, "/m0.wasm", "/m9.wasm and 40 more"}},
		{name: "none of several, some without a name", config: oci, layers: []string{wasm + " a", wasm + ";x=1", wasm + ";x=2"}, arg: "/app.wasm", code: 127, says: []string{"3 Wasm layers", "are: /a; 2 have no title"}},
		{name: "tar layers only: a file was meant", config: oci, layers: []string{tar}, arg: "/app.wasm"},
		{name: "no layers", config: oci, arg: "/app.wasm", code: 127, says: []string{"image img has no layers"}},
		{name: "an artifact without layers", config: art, arg: "/app.wasm", code: 127, says: []string{"image img has no layers"}},
		{name: "an artifact without Wasm", config: art, layers: []string{"text/plain a", "image/png"}, arg: "/app.wasm", code: 127, says: []string{"image img has no Wasm layer", "2 layers", "text/plain", "image/png", wasm}},
		{name: "a title that leads up", config: art, layers: []string{wasm, "text/plain ../x"}, arg: "/app.wasm", code: 126, says: []string{"image img cannot be run", "layer 2 of 2", "../x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.Image("img", r.manifest(t, c.config, c.layers...), pulled)
			a, err := r.ask(t, c.arg)
			if err != nil {
				t.Fatal(err)
			}
			if c.code != 0 {
				if a.Refusal == nil || a.Refusal.Code != c.code || a.Module != nil {
					t.Fatalf("got %+v, want a refusal with %d", a, c.code)
				}
				for _, s := range c.says {
					if !strings.Contains(a.Refusal.Message, s) {
						t.Errorf("%q does not say %q", a.Refusal.Message, s)
					}
				}
				return
			}
			if c.want == 0 {
				if a.Refusal != nil || a.Module != nil {
					t.Errorf("got %+v, want nothing", a)
				}
				return
			}
			if a.Module == nil || a.Module.Digest != digest.FromString(c.layers[c.want-1]).String() || a.Export != c.export {
				t.Fatalf("got %+v, export %q, want layer %d, %q", a.Module, a.Export, c.want, c.export)
			}
			if !strings.HasPrefix(a.Module.About, fmt.Sprintf("layer %d of %d", c.want, len(c.layers))) {
				t.Errorf("it is called %q", a.Module.About)
			}
			var files []string
			for _, f := range a.Files {
				files = append(files, f.Path)
			}
			if got := strings.Join(files, " "); got != c.files && c.files != "*" || c.files == "*" && len(files) != len(c.layers)-1 {
				t.Errorf("files %q, want %q", got, c.files)
			}
		})
	}
}

func TestWhichManifest(t *testing.T) {
	platform := func(d v1.Descriptor, os, arch string) v1.Descriptor {
		d.Platform = &v1.Platform{OS: os, Architecture: arch}
		return d
	}
	r := newRig(t)
	one := r.manifest(t, v1.MediaTypeImageConfig, wasm+" one")
	two := r.manifest(t, v1.MediaTypeImageConfig, wasm+" two")
	native := r.manifest(t, v1.MediaTypeImageConfig, v1.MediaTypeImageLayerGzip)
	gone := one
	gone.Digest = digest.FromString("never pulled")
	deep := one
	for range maxDepth + 1 {
		deep = r.index(t, deep)
	}
	var many []v1.Descriptor
	for i := range maxDocuments {
		d := one
		d.Digest = digest.FromString(fmt.Sprint("never pulled ", i))
		many = append(many, d)
	}
	for _, c := range []struct {
		name   string
		target v1.Descriptor
		want   string // title of the module
		says   string // of the refusal or the error
	}{
		{"a manifest", one, "/one", ""},
		{"an index with one", r.index(t, one), "/one", ""},
		{"an index with an attestation before it", r.index(t, platform(gone, "unknown", "unknown"), platform(one, "wasi", "wasm")), "/one", ""},
		{"an index with a native program before it", r.index(t, platform(native, "linux", "amd64"), platform(one, "wasi", "wasm")), "/one", ""},
		{"the first of two for Wasm", r.index(t, platform(two, "wasip1", "wasm"), platform(one, "wasi", "wasm")), "/two", ""},
		{"of two for Wasm the one that was pulled", r.index(t, platform(gone, "wasip1", "wasm"), platform(one, "wasi", "wasm")), "/one", ""},
		{"an index in an index", r.index(t, r.index(t, one)), "/one", ""},
		{"an index with nothing in it", r.index(t), "", "lists no image"},
		{"nothing of the index was pulled", r.index(t, platform(gone, "wasi", "wasm")), "", "pull it again"},
		{"more manifests than anybody pulls", r.index(t, many...), "", "more than 256 manifests"},
		{"too many indexes in each other", deep, "", "indexes in each other"},
		{"a manifest that is none", r.Blob(v1.MediaTypeImageManifest, []byte(`{"schemaVersion":2,"manifests":7}`)), "", "cannot be run"},
		{"no manifest at all", gone, "", "pull it again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.Image("img", c.target, pulled)
			r.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created)})
			a, err := r.ask(t)
			switch {
			case c.want != "":
				if err != nil || a.Module == nil || a.Module.Path != c.want {
					t.Errorf("got %+v, %v, want %s", a, err, c.want)
				}
			case err != nil:
				if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "img") {
					t.Errorf("got %v, want an error that says img and %q", err, c.says)
				}
			case a.Refusal == nil || !strings.Contains(a.Refusal.Message, c.says) || !strings.Contains(a.Refusal.Message, "img"):
				t.Errorf("got %+v, want a refusal that says img and %q", a, c.says)
			}
		})
	}
}

// TestTheImageStaysTheSame: what the name means later is not what runs.
func TestTheImageStaysTheSame(t *testing.T) {
	cri := func(id string) *anypb.Any {
		return &anypb.Any{TypeUrl: "github.com/containerd/cri/pkg/store/container/Metadata", Value: []byte(`{"Version":"v1","Metadata":{"ImageRef":"` + id + `"}}`)}
	}
	for _, c := range []struct {
		name  string
		setup func(t *testing.T, r rig, old, new v1.Descriptor) image.Query
		want  string // title of the module, or
		says  string // what the error says
	}{
		{"the name moves after the first start", func(t *testing.T, r rig, old, new v1.Descriptor) image.Query {
			r.Image("img", old, pulled)
			if _, err := r.ask(t); err != nil {
				t.Fatal(err)
			}
			if got := r.Labels("c")[RecordLabel]; got != old.Digest.String() {
				t.Errorf("label %q, want %s", got, old.Digest)
			}
			r.Image("img", new, moved)
			return query()
		}, "/old", ""},
		{"the name goes after the first start", func(t *testing.T, r rig, old, _ v1.Descriptor) image.Query {
			r.Image("img", r.index(t, old), pulled)
			if _, err := r.ask(t); err != nil {
				t.Fatal(err)
			}
			r.NoImage("img")
			return query()
		}, "/old", ""},
		{"the name moves before the first start", func(_ *testing.T, r rig, _, new v1.Descriptor) image.Query {
			r.Image("img", new, moved)
			return query()
		}, "", "make the container again"},
		{"the name goes before the first start", func(_ *testing.T, r rig, _, _ v1.Descriptor) image.Query {
			return query()
		}, "", "not in containerd any more"},
		{"CRI's record is better than the name", func(_ *testing.T, r rig, old, new v1.Descriptor) image.Query {
			r.Image("img", new, moved)
			r.Image("sha256:id", old, moved)
			r.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created), Extensions: map[string]*anypb.Any{criExtension: cri("sha256:id")}})
			return query()
		}, "/old", ""},
		{"CRI's record also tells one platform from another", func(t *testing.T, r rig, old, new v1.Descriptor) image.Query {
			old.Platform, new.Platform = &v1.Platform{OS: "wasip1", Architecture: "wasm"}, &v1.Platform{OS: "wasi", Architecture: "wasm"}
			other := v1.Manifest{Config: r.Blob(v1.MediaTypeImageConfig, []byte(`{"os":"wasi"}`)), Layers: []v1.Descriptor{r.Blob(wasm, []byte("other"))}}
			other.SchemaVersion = 2
			id := digest.FromString("{}").String()
			r.Image(id, r.index(t, r.JSON(t, v1.MediaTypeImageManifest, other), old), pulled)
			r.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created), Extensions: map[string]*anypb.Any{criExtension: cri(id)}})
			return query()
		}, "/old", ""},
		{"CRI's digest is better than its name, which images of one configuration share", func(_ *testing.T, r rig, old, new v1.Descriptor) image.Query {
			id := digest.FromString("{}").String()
			r.Image(id, new, moved)
			record := cri(id)
			record.Value = []byte(strings.Replace(string(record.Value), `"}}`, `","ImageDigest":"`+old.Digest.String()+`"}}`, 1))
			r.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created), Extensions: map[string]*anypb.Any{criExtension: record}})
			return query()
		}, "/old", ""},
		{"an extension of CRI's that is not known leaves the name", func(_ *testing.T, r rig, old, _ v1.Descriptor) image.Query {
			r.Image("img", old, pulled)
			r.Container(&containersapi.Container{ID: "c", Image: "img", CreatedAt: timestamppb.New(created), Extensions: map[string]*anypb.Any{criExtension: {TypeUrl: "x/Metadata", Value: []byte("{")}}})
			return query()
		}, "/old", ""},
		{"Docker's record is better than the name", func(_ *testing.T, r rig, old, new v1.Descriptor) image.Query {
			r.Image("img", new, pulled)
			q := query()
			q.Digest = old.Digest.String()
			return q
		}, "/old", ""},
		{"a record of Docker's without a name", func(_ *testing.T, r rig, old, _ v1.Descriptor) image.Query {
			r.Container(&containersapi.Container{ID: "c", CreatedAt: timestamppb.New(created)})
			q := query()
			q.Digest = old.Digest.String()
			return q
		}, "/old", ""},
		{"a label that somebody else wrote", func(_ *testing.T, r rig, _, _ v1.Descriptor) image.Query {
			r.Container(&containersapi.Container{ID: "c", Image: "img", Labels: map[string]string{RecordLabel: "../x"}})
			return query()
		}, "", RecordLabel},
		{"a container that containerd does not know", func(*testing.T, rig, v1.Descriptor, v1.Descriptor) image.Query {
			q := query()
			q.Container = "other"
			return q
		}, "", "container other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			old, new := r.manifest(t, v1.MediaTypeImageConfig, wasm+" old"), r.manifest(t, v1.MediaTypeImageConfig, wasm+" new")
			a, err := resolve(t.Context(), r.client, c.setup(t, r, old, new))
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %+v, %v, want an error that says %q", a, err, c.says)
				}
				return
			}
			if err != nil || a.Module == nil || a.Module.Path != c.want {
				t.Errorf("got %+v, %v, want %s", a, err, c.want)
			}
		})
	}
}

const criExtension = "io.cri-containerd.container.metadata"

func TestAContainerOfNoImageHasNoLayers(t *testing.T) {
	r := newRig(t)
	r.Container(&containersapi.Container{ID: "c"})
	if a, err := r.ask(t); err != nil || a.Module != nil || a.Refusal != nil || a.Image != "" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestAnImageOfDockersOlderStoreHasNoLayers(t *testing.T) {
	r := newRig(t)
	r.Container(&containersapi.Container{ID: "c"})
	q := query()
	q.Digest = digest.FromString("an image ID of the older store").String()
	if a, err := resolve(t.Context(), r.client, q); err != nil || a.Module != nil || a.Refusal != nil {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestNoRecordOfAnImageWithoutWasmLayers(t *testing.T) {
	r := newRig(t)
	r.Image("img", r.manifest(t, v1.MediaTypeImageConfig, v1.MediaTypeImageLayerGzip), pulled)
	if _, err := r.ask(t); err != nil || len(r.Labels("c")) != 0 {
		t.Errorf("%v, labels %v", err, r.Labels("c"))
	}
}

func TestAModuleThatIsTooLargeIsNotEvenFetched(t *testing.T) {
	r := newRig(t)
	m := v1.Manifest{Config: r.Blob(v1.MediaTypeImageConfig, []byte("{}")), Layers: []v1.Descriptor{{MediaType: wasm, Digest: digest.FromString("x"), Size: maxModule + 1}}}
	m.SchemaVersion = 2
	r.Image("img", r.JSON(t, v1.MediaTypeImageManifest, m), pulled)
	a, err := r.ask(t)
	if err != nil || a.Refusal == nil || a.Module != nil || !strings.Contains(a.Refusal.Message, "too large") || !strings.Contains(a.Refusal.Message, "layer 1 of 1") {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestDamagedManifest(t *testing.T) {
	r := newRig(t)
	m := r.manifest(t, v1.MediaTypeImageConfig, wasm)
	r.Image("img", m, pulled)
	r.Damage(m.Digest, []byte(`{"schemaVersion":2}`))
	if a, err := r.ask(t); !errors.Is(err, content.ErrDamaged) || !strings.Contains(err.Error(), "img") || !strings.Contains(err.Error(), m.Digest.String()) {
		t.Errorf("got %+v, %v", a, err)
	}
	r.Damage(m.Digest, make([]byte, manifest.MaxDocument+1))
	if a, err := r.ask(t); !errors.Is(err, content.ErrDamaged) {
		t.Errorf("too long: got %+v, %v", a, err)
	}
	if got := explain(errdefs.ErrUnavailable); !strings.Contains(got.Error(), "does not answer") {
		t.Error(got)
	}
}
