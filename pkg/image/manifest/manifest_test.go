package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// sum is any digest; d numbers them.
func sum(n int) string { return fmt.Sprintf("sha256:%064x", n) }

// doc is a manifest with the configuration type and the layers, each "mediaType title".
func doc(config string, layers ...string) string {
	var list []string
	for i, l := range layers {
		mediaType, title, _ := strings.Cut(l, " ")
		list = append(list, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"annotations":{"org.opencontainers.image.title":%q}}`, mediaType, sum(i), i, title))
	}
	return fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":%q,"digest":%q,"size":2},"layers":[%s]}`, config, sum(99), strings.Join(list, ","))
}

const (
	ociConfig    = v1.MediaTypeImageConfig
	dockerConfig = "application/vnd.docker.container.image.v1+json"
	ociTar       = v1.MediaTypeImageLayerGzip
)

func TestParseManifest(t *testing.T) {
	for _, c := range []struct {
		name     string
		document string
		shape    Shape
		layers   string // kind and path of each
	}{
		{"tar layers", doc(ociConfig, ociTar, v1.MediaTypeImageLayerZstd), ShapeT, "tar, tar"},
		{"Docker's types", doc(dockerConfig, "application/vnd.docker.image.rootfs.diff.tar.gzip"), ShapeT, "tar"},
		{"no layers", doc(ociConfig), ShapeT, ""},
		{"a title of a tar layer means nothing", doc(ociConfig, ociTar+" ../x"), ShapeT, "tar"},
		{"Wasm layers", doc(ociConfig, MediaTypeWasm+" a.wasm", MediaTypeWasmContent+" b/c.wasm", MediaTypeWasmComponent), ShapeL, "wasm /a.wasm, wasm /b/c.wasm, wasm"},
		{"a media type with a parameter and in capitals", doc(ociConfig, "Application/WASM;x=y"), ShapeL, "wasm"},
		{"Wasm layers beside tar layers and files", doc(ociConfig, ociTar, MediaTypeWasm, "text/plain x.txt"), ShapeL, "tar, wasm, file /x.txt"},
		{"the CNCF artifact", doc(MediaTypeWasmConfig, MediaTypeWasm), ShapeA, "wasm"},
		{"an artifact with an empty configuration", doc("application/vnd.oci.empty.v1+json", MediaTypeWasm, "image/png logo.png", "image/png"), ShapeA, "wasm, file /logo.png, none"},
		{"a tar layer of an artifact is a file", doc(MediaTypeWasmConfig, MediaTypeWasm, ociTar+" data.tar.gz"), ShapeA, "wasm, file /data.tar.gz"},
		{"titles are made clean", doc(MediaTypeWasmConfig, MediaTypeWasm+" ./a//b/./c.wasm", MediaTypeWasm+" /d.wasm"), ShapeA, "wasm /a/b/c.wasm, wasm /d.wasm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseManifest([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			var layers []string
			for _, l := range m.Layers {
				layers = append(layers, strings.TrimSpace(l.Kind.String()+" "+l.Path))
			}
			if got := strings.Join(layers, ", "); got != c.layers || m.Shape != c.shape {
				t.Errorf("shape %s, %q, want %s, %q", m.Shape, got, c.shape, c.layers)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	good := doc(ociConfig, MediaTypeWasm+" a.wasm")
	for _, c := range []struct {
		name     string
		document string
		says     string
	}{
		{"no JSON", `{"schemaVersion":`, "unexpected end"},
		{"a list", `[]`, "array"},
		{"nothing in it", `{}`, "schemaVersion"},
		{"version 1", strings.Replace(good, `:2`, `:1`, 1), "schemaVersion"},
		{"the media type of an index", strings.Replace(good, `{`, `{"mediaType":"`+v1.MediaTypeImageIndex+`",`, 1), "mediaType"},
		{"an index at the same time", strings.Replace(good, `{`, `{"manifests":[],`, 1), "manifests"},
		{"no configuration", `{"schemaVersion":2}`, "config"},
		{"a digest that is none", strings.Replace(good, sum(0), "sha256:xyz", 1), "digest"},
		{"a digest of a path", strings.Replace(good, sum(0), "../../etc/passwd", 1), "digest"},
		{"a digest that is no SHA-256", strings.Replace(good, sum(0), "sha512:"+strings.Repeat("0", 128), 1), "digest"},
		{"a size below nothing", strings.Replace(good, `"size":0`, `"size":-1`, 1), "size"},
		{"a size that is no number", strings.Replace(good, `"size":0`, `"size":"0"`, 1), "size"},
		{"a title that leads up", doc(ociConfig, MediaTypeWasm+" ../a.wasm"), "title"},
		{"a title that leads up later", doc(MediaTypeWasmConfig, MediaTypeWasm, "text/plain a/../../etc/passwd"), "layer 2 of 2"},
		{"a title that is a directory", doc(ociConfig, MediaTypeWasm+" a/"), "title"},
		{"a title that is the root", doc(ociConfig, MediaTypeWasm+" ."), "title"},
		{"a title with a zero byte", strings.Replace(good, "a.wasm", `a\u0000.wasm`, 1), "title"},
		{"a title longer than a file's name", doc(ociConfig, MediaTypeWasm+" "+strings.Repeat("x", 256)), "title"},
		{"a title longer than a path", doc(ociConfig, MediaTypeWasm+" "+strings.Repeat("x/", 2048)+"x"), "title"},
		{"the same title twice", doc(ociConfig, MediaTypeWasm+" a.wasm", MediaTypeWasm+" ./a.wasm"), "layers 1 and 2"},
		{"a title below another", doc(ociConfig, MediaTypeWasm+" a/b", MediaTypeWasm+" a"), "below"},
		{"more layers than there may be", doc(ociConfig, strings.Split(strings.Repeat(MediaTypeWasm+",", MaxLayers), ",")...), "129 layers"},
		{"a document without end", strings.Repeat(" ", MaxDocument) + good, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m, err := ParseManifest([]byte(c.document)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %+v, %v, want ErrInvalid that says %q", m, err, c.says)
			}
		})
	}
}

func TestParseIndex(t *testing.T) {
	entry := func(n int, mediaType, rest string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1%s}`, mediaType, sum(n), rest)
	}
	index := func(entries ...string) string {
		return `{"schemaVersion":2,"manifests":[` + strings.Join(entries, ",") + `]}`
	}
	platform := func(os, arch string) string {
		return fmt.Sprintf(`,"platform":{"os":%q,"architecture":%q}`, os, arch)
	}
	const m, i = v1.MediaTypeImageManifest, v1.MediaTypeImageIndex
	for _, c := range []struct {
		name     string
		document string
		want     []int // the entries, preferred first
		says     string
	}{
		{"one manifest", index(entry(1, m, "")), []int{1}, ""},
		{"Wasm first, then what does not say, then the others", index(
			entry(1, m, platform("linux", "amd64")), entry(2, m, ""), entry(3, i, platform("wasip1", "wasm")), entry(4, m, platform("wasi", "wasm32")),
		), []int{3, 4, 2, 1}, ""},
		{"attestations are left out", index(
			entry(1, m, platform("unknown", "unknown")), entry(2, m, `,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`), entry(3, m, platform("wasi", "wasm")),
		), []int{3}, ""},
		{"what is no image is left out", index(entry(1, "application/vnd.x", ""), `{"mediaType":"text/plain","digest":"?"}`, entry(2, m, "")), []int{2}, ""},
		{"nothing in it", index(), nil, ""},
		{"no JSON", "{", nil, "unexpected end"},
		{"version 1", `{"schemaVersion":1}`, nil, "schemaVersion"},
		{"a manifest at the same time", `{"schemaVersion":2,"layers":[],"manifests":[]}`, nil, "layers"},
		{"the media type of a manifest", `{"schemaVersion":2,"mediaType":"` + m + `"}`, nil, "mediaType"},
		{"a digest that is none", index(strings.Replace(entry(1, m, ""), "sha256", "sha", 1)), nil, "manifest 1"},
		{"more manifests than there may be", index(strings.Split(strings.Repeat(entry(1, m, "")+"\x00", maxManifests)+entry(1, m, ""), "\x00")...), nil, "1025 manifests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := ParseIndex([]byte(c.document))
			if c.says != "" {
				if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want ErrInvalid that says %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, d := range Prefer(list) {
				got = append(got, d.Digest.String())
			}
			for _, n := range c.want {
				want = append(want, sum(n))
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if !LooksLikeIndex([]byte(c.document)) {
				t.Error("it does not look like an index")
			}
		})
	}
	if LooksLikeIndex([]byte(doc(ociConfig))) || LooksLikeIndex([]byte("x")) {
		t.Error("what is no index looks like one")
	}
}

func TestParseConfig(t *testing.T) {
	for _, c := range []struct {
		name     string
		document string
		shape    Shape
		want     string
		says     string
	}{
		{"an image", `{"os":"wasi","architecture":"wasm","config":{"Entrypoint":["/a"]},"rootfs":{"diff_ids":["` + sum(1) + `"]}}`, ShapeT, "wasi/wasm [/a] 1", ""},
		{"an artifact", `{"os":"wasip2","architecture":"wasm","layerDigests":["x"],"config":7}`, ShapeA, "wasip2/wasm [] 0", ""},
		{"an empty artifact", `{}`, ShapeA, "/ [] 0", ""},
		{"no JSON", `{`, ShapeL, "", "unexpected end"},
		{"an entry point that is no list", `{"config":{"Entrypoint":"/a"}}`, ShapeL, "", "Entrypoint"},
		{"an artifact's platform that is no text", `{"os":1}`, ShapeA, "", "os"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseConfig([]byte(c.document), c.shape)
			if c.says != "" {
				if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want ErrInvalid that says %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := fmt.Sprintf("%s/%s %v %d", got.Platform.OS, got.Platform.Architecture, got.Process.Entrypoint, got.DiffIDs); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}
