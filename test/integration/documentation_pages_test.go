package integration

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// A documentedPage is a page whose commands one types one after the other, in a folder that has the examples and the files it speaks of.
type documentedPage struct {
	page    string
	files   map[string]func(t *testing.T) []byte
	before  []string             // what the page takes for granted, to be typed first
	replace []string             // what stands for the reader's own, and what it is here: strings.NewReplacer
	stays   map[string]string    // commands, by how they begin, that stay in a terminal of their own, and what they print when they are up
	not     map[string]elsewhere // commands, by how they begin, that are not typed here
	want    map[string][]string  // what commands, by how they begin, print among other things
}

// The images that stand for IMAGE.
const (
	documentedServer  = "test.local/server:1"
	documentedCounter = "test.local/counter:1"
	documentedCommand = "test.local/command:1" // no entrypoint
)

// A server in the foreground, and what it says when it is up.
const (
	runServer = "docker run --rm -p 8080:8080"
	serverUp  = "answers HTTP at"
)

// adapt is how a module of WASI 0.1 becomes a component, up to the adapter's kind.
const adapt = "wasm-tools component new --adapt wasi_snapshot_preview1=wasi_snapshot_preview1."

// Who runs what is not typed.
var (
	byCI     = byFile(".ci/run", "make --no-print-directory test")
	byMake   = byFile("Makefile", "need-host build tools ## against real daemons")
	bySuites = byFile("Makefile", "suites: lint unit fuzz race $(if $(IS_ROOT),integration")
)

// byRebuild is for the tools of languages other than Go, which make the committed guests.
func byRebuild(words string) elsewhere { return byHand("test/guests/component/rebuild.sh", words) }

// pagesTypedElsewhere have a test of their own for their commands.
var pagesTypedElsewhere = map[string]elsewhere{
	"docs/kubernetes.md":         byHand("test/kubernetes/uninstall_test.go", `documented(t, "../../docs/kubernetes.md")`),
	"docs/python-performance.md": byFile("test/integration/example_test.go", `filepath.Join(dir, "compare.sh")`),
}

var documentedPages = []documentedPage{
	{
		page:  "README.md",
		files: map[string]func(*testing.T) []byte{"app.wasm": guestBytes("hello"), "hello.tar": demoImage},
		not: map[string]elsewhere{
			"make demo": byTest("TestDemo"), "make test": byCI, "make build": byMake, "sudo make install": byTest("TestInstall"),
		},
		want: map[string][]string{
			"ctr run":      {"Hello from wasip1/wasm"},
			"docker run":   {"Hello from wasip1/wasm", "Nice to meet you, you."},
			"containerd-s": {"module"},
		},
	},
	{
		page: "docs/getting-started.md",
		files: map[string]func(*testing.T) []byte{
			"server.Dockerfile": func(*testing.T) []byte {
				return []byte("FROM scratch\nCOPY server.wasm /\nENTRYPOINT [\"/server.wasm\"]\n")
			},
		},
		replace: []string{"IMAGE", documentedServer},
		not:     map[string]elsewhere{"make build": byMake, "sudo make install": byTest("TestInstall"), "sudo containerd-shim-wasmgo-v1 doctor": byTest("TestDoctorOfDocker")},
		want: map[string][]string{
			"docker run": {"Hello from Rust, world!", "Good morning from Rust, you!"},
			"ctr run":    {"Hello from Rust, world!"},
		},
	},
	{
		page: "docs/images.md",
		files: map[string]func(*testing.T) []byte{
			"app.wasm": guestBytes("hello"), "tool.wasm": guestBytes("args"), "app.conf": func(*testing.T) []byte { return []byte("key = value\n") }, "artifact.tar": artifact,
		},
		not:  map[string]elsewhere{"containerd-shim-wasmgo-v1 image convert -n default": byTest("TestShapes")},
		want: map[string][]string{"containerd-shim-wasmgo-v1 image inspect": {"module"}},
	},
	{
		page:    "docs/cache.md",
		files:   map[string]func(*testing.T) []byte{"app.wasm": guestBytes("hello"), "images.tar": demoImage},
		replace: []string{" registry.example/app:1", ""},
		not:     map[string]elsewhere{"containerd-shim-wasmgo-v1 precompile --watch": byTest("TestPrecompileWatch")},
	},
	{
		page:    "docs/settings.md",
		replace: []string{"/etc/wasmgo/config.toml", "config.toml"},
		want:    map[string][]string{"containerd-shim-wasmgo-v1 config show": {"http-timeout", "environment variable WASMGO_ROOT"}},
	},
	{
		page:    "docs/observability.md",
		replace: []string{"v1 metrics", "v1 metrics --dir metrics"},
		not:     map[string]elsewhere{"containerd-shim-wasmgo-v1 metrics --listen": byTest("TestMetrics")},
	},
	{
		page:    "docs/troubleshooting.md",
		replace: []string{"v1 doctor", "v1 doctor --docker none"},
		want:    map[string][]string{"containerd-shim-wasmgo-v1 doctor": {"daemon: containerd 2.4.2"}},
	},
	{
		page:    "docs/http.md",
		replace: []string{"IMAGE", documentedServer},
		stays:   map[string]string{runServer: serverUp},
	},
	{
		page:    "docs/keyvalue.md",
		replace: []string{"IMAGE", documentedCounter},
		stays:   map[string]string{runServer: serverUp},
	},
	{
		page:   "docs/exec.md",
		before: []string{"docker run -d --name web --runtime io.containerd.wasmgo.v1 --platform wasi/wasm " + documentedServer},
		replace: []string{
			"docker exec -it C sh", "echo exit | script --quiet --return --command 'docker exec -it web sh' /dev/null", " C ", " web ", "IMAGE", documentedServer,
		},
		not: map[string]elsewhere{
			"kubectl exec -it POD": byHand("test/kubernetes/inside_test.go", `"exec", "-it", "shell", "--", "sh"`),
			"kubectl cp":           byFile("pkg/toolbox/cases/files.go", "tar as kubectl cp calls it"),
		},
		want: map[string][]string{"docker exec -it C sh": {"/ # "}, "docker exec C cat": {"nameserver"}},
	},
	{
		page:    "docs/languages.md",
		files:   map[string]func(*testing.T) []byte{"main.go": helloSource},
		replace: []string{"IMAGE", documentedCommand},
		not: map[string]elsewhere{
			"clang --target=wasm32-wasip2 -Oz": byRebuild(`cc="clang --target=wasm32-wasip2 -Oz`),
			"clang --target=wasm32-wasip2 -me": byRebuild("$cc -s -mexec-model=reactor $2.c $3.c $3_component_type.o"),
			"wit-bindgen c":                    byRebuild("wit-bindgen c --world"),
			"cargo build":                      byRebuild("--release --target wasm32-wasip2"),
			adapt + "command.wasm":             byRebuild("component new --adapt wasi_snapshot_preview1=\"$lib/wasi_snapshot_preview1.command.wasm"),
			adapt + "reactor.wasm":             byRebuild("component new --adapt wasi_snapshot_preview1=\"$lib/wasi_snapshot_preview1.reactor.wasm"),
			"wasm-tools component embed":       byRebuild("wasm-tools component embed --world web"),
			"componentize-js server.js":        byRebuild("--world-name server --out"),
			"componentize-js hello.js":         byRebuild("--disable http fetch-event --out"),
			"componentize-qjs":                 byRebuild("--sync --opt-size --output"),
			"componentize-py":                  byRebuild("componentize-py --wit-path wit --world tool componentize"),
		},
		want: map[string][]string{"docker run": {"Hello from Rust, world!"}},
	},
	{
		page: "examples/README.md",
		want: map[string][]string{"docker run": {"Good morning from Rust, you!"}},
	},
	{
		page: "docs/testing.md",
		not: map[string]elsewhere{
			"make test": byCI, "make unit": bySuites, "make integration": bySuites, "make build tools": byMake, "go test ./test/integration -run": byTest("TestContainerd"),
		},
	},
	{
		page: "docs/conformance.md",
		not:  map[string]elsewhere{"make conformance": byHand("Makefile", "\nconformance: ")},
	},
}

// documentedImages are those that stand for IMAGE, and redis, which is made of this machine's redis-server.
func documentedImages(t *testing.T) []pack.Image {
	t.Helper()
	component := func(name, entrypoint string) pack.Image {
		return pack.Image{
			Name:   name,
			Config: v1.ImageConfig{Entrypoint: []string{"/app.wasm"}},
			Files:  map[string]pack.File{"/app.wasm": {Content: []byte(readFile(t, guests.Component(t, entrypoint)))}},
		}
	}
	return []pack.Image{
		component(documentedServer, "http_hello"),
		component(documentedCounter, "http_counter"),
		{Name: documentedCommand, Files: map[string]pack.File{"/hello.wasm": {Content: []byte(readFile(t, filepath.Join(examples, "rust", "hello.wasm")))}}},
		redisImage(t),
	}
}

// redisImage has redis-server and the libraries it is linked with.
func redisImage(t *testing.T) pack.Image {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server: apt-get install redis-server")
	}
	linked, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]pack.File{"/redis-server": {Content: []byte(readFile(t, program))}}
	for _, m := range regexp.MustCompile(`(/\S+) \(0x`).FindAllSubmatch(linked, -1) {
		files[string(m[1])] = pack.File{Content: []byte(readFile(t, string(m[1])))}
	}
	return pack.Image{
		Name:     "docker.io/library/redis:latest",
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Entrypoint: []string{"/redis-server", "--save", "", "--protected-mode", "no"}},
		Files:    files,
	}
}

func guestBytes(name string) func(*testing.T) []byte {
	return func(t *testing.T) []byte { return guests.Bytes(t, name) }
}

func helloSource(t *testing.T) []byte {
	return []byte(readFile(t, filepath.Join(examples, "hello", "main.go")))
}

// demoImage is the archive that `make demo` and the README's users make of examples/hello.
func demoImage(t *testing.T) []byte {
	return []byte(readFile(t, filepath.Join("..", "..", "build", "examples", "hello.tar")))
}

// artifact is an archive of an image of shape A.
func artifact(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	err := pack.Write(&b, pack.Image{Name: "test.local/artifact:1", Artifact: true, Layers: []pack.Layer{wasmLayer(typeWasm, "app.wasm", guests.Bytes(t, "hello"))}})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
