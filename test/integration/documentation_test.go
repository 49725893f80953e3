package integration

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// A documentedPage is a page whose commands one types one after the other, in a folder that has the examples and the files it speaks of.
type documentedPage struct {
	page    string
	files   map[string]func(t *testing.T) []byte
	replace []string            // what stands for the reader's own, and what it is here: strings.NewReplacer
	not     map[string]string   // commands, by how they begin, that are not typed here, and what runs them instead
	want    map[string][]string // what commands, by how they begin, print among other things
}

var documentedPages = []documentedPage{
	{
		page:  "README.md",
		files: map[string]func(*testing.T) []byte{"app.wasm": guestBytes("hello"), "hello.tar": demoImage},
		not: map[string]string{
			"make demo": "TestDemo", "make test": ".ci/run", "make build": ".ci/run", "sudo make install": "TestInstall",
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
		not:     map[string]string{"make build": ".ci/run", "sudo make install": "TestInstall", "sudo containerd-shim-wasmgo-v1 doctor": "TestDoctorOfDocker"},
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
		not:  map[string]string{"containerd-shim-wasmgo-v1 image convert -n default": "TestShapes"},
		want: map[string][]string{"containerd-shim-wasmgo-v1 image inspect": {"module"}},
	},
	{
		page:    "docs/cache.md",
		files:   map[string]func(*testing.T) []byte{"app.wasm": guestBytes("hello"), "images.tar": demoImage},
		replace: []string{" registry.example/app:1", ""},
		not:     map[string]string{"containerd-shim-wasmgo-v1 precompile --watch": "TestPrecompileWatch"},
	},
	{
		page:    "docs/settings.md",
		replace: []string{"/etc/wasmgo/config.toml", "config.toml"},
		want:    map[string][]string{"containerd-shim-wasmgo-v1 config show": {"http-timeout", "environment variable WASMGO_ROOT"}},
	},
	{
		page:    "docs/observability.md",
		replace: []string{"v1 metrics", "v1 metrics --dir metrics"},
		not:     map[string]string{"containerd-shim-wasmgo-v1 metrics --listen": "TestMetrics"},
	},
	{
		page:    "docs/troubleshooting.md",
		replace: []string{"v1 doctor", "v1 doctor --docker none"},
		want:    map[string][]string{"containerd-shim-wasmgo-v1 doctor": {"daemon: containerd 2.4.2"}},
	},
}

const documentedServer = "test.local/server:1"

func guestBytes(name string) func(*testing.T) []byte {
	return func(t *testing.T) []byte { return guests.Bytes(t, name) }
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

// TestInstall is `sudo make install`, into a folder.
func TestInstall(t *testing.T) {
	daemon.NeedRoot(t)
	dir := t.TempDir()
	make := exec.Command("make", "--no-print-directory", "-C", filepath.Join("..", ".."), "install", "DESTDIR="+dir, "PREFIX=/usr")
	make.Env = append(os.Environ(), "MAKEFLAGS=")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	installed := filepath.Join(dir, "usr", "bin", "containerd-shim-wasmgo-v1")
	if info, err := os.Stat(installed); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%s: %v, %v", installed, info, err)
	}
	if pages, err := filepath.Glob(filepath.Join(dir, "usr", "share", "man", "man1", "*.1")); err != nil || len(pages) == 0 {
		t.Errorf("no manual pages: %v", err)
	}
}

// TestCommandsOfTheDocumentation types what a reader would. A page that gets a command which is neither run here nor by the test that is named
// fails.
func TestCommandsOfTheDocumentation(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Dockerd(t)
	d.Load(t, pack.Image{
		Name:   documentedServer,
		Config: v1.ImageConfig{Entrypoint: []string{"/server.wasm"}},
		Files:  map[string]pack.File{"/server.wasm": {Content: []byte(readFile(t, guests.Component(t, "http_hello")))}},
	})
	for _, p := range documentedPages {
		t.Run(p.page, func(t *testing.T) { p.run(t, d) })
	}
}

func (p documentedPage) run(t *testing.T, d *daemon.DockerDaemon) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(examples)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"go.mod", "go.sum"} {
		writeFile(t, filepath.Join(dir, link), []byte(readFile(t, filepath.Join("..", "..", link))))
	}
	for name, content := range p.files {
		writeFile(t, filepath.Join(dir, name), content(t))
	}

	var script strings.Builder
	script.WriteString("set -u\n")
	typed, outputs := p.commands(t)
	replace := strings.NewReplacer(p.replace...)
	for i, c := range typed {
		fmt.Fprintf(&script, "echo '%s%d'\n%s || { echo failed with $?; exit 1; }\n", mark, i, replace.Replace(c))
	}
	path := filepath.Join(dir, "typed.sh")
	writeFile(t, path, []byte(script.String()))
	got := d.Script(t, "/bin/bash", p.environment(t, dir, d), "-c", `PATH=$TYPED_BIN:$PATH; cd "`+dir+`" && . "`+path+`" 2>&1`).Run(t)
	parts := strings.Split(got.Stdout, mark)
	for i, c := range typed {
		if i+1 < len(parts) {
			outputs[c] = parts[i+1]
		}
	}
	if got.Code != 0 {
		t.Errorf("%s\nexit code %d: %s%s", typed[len(parts)-2], got.Code, parts[len(parts)-1], got.Stderr)
	}
	for begin, wants := range p.want {
		var said strings.Builder
		for _, c := range typed {
			if strings.HasPrefix(c, begin) {
				said.WriteString(outputs[c])
			}
		}
		mustContain(t, said.String(), wants...)
	}
	if left := strings.Fields(d.Docker(t, "ps", "--all", "--quiet").Output(t)); len(left) > 0 {
		d.Docker(t, append([]string{"rm", "--force"}, left...)...).Output(t)
	}
}

// mark stands between the outputs of two commands.
const mark = "=== command "

// commandLine is a line of a page that is to be typed; what follows a comment's sign is not.
var commandLine = regexp.MustCompile(`(?m)^    ((?:docker|ctr|sudo|make|cd|GOOS=\w+|containerd-shim-wasmgo-v1) .*?)(?:  +#.*)?$`)

// commands returns what of the page is to be typed here.
func (p documentedPage) commands(t *testing.T) (typed []string, outputs map[string]string) {
	t.Helper()
	unused := map[string]string{}
	for begin, where := range p.not {
		unused[begin] = where
		if strings.HasPrefix(where, "Test") && !testExists(t, where) {
			t.Errorf("%q is said to be run by %s, which there is not", begin, where)
		}
	}
	for _, m := range commandLine.FindAllStringSubmatch(readFile(t, filepath.Join("..", "..", p.page)), -1) {
		elsewhere := slices.ContainsFunc(slices.Collect(maps.Keys(p.not)), func(begin string) bool {
			if !strings.HasPrefix(m[1], begin) {
				return false
			}
			delete(unused, begin)
			return true
		})
		if !elsewhere {
			typed = append(typed, m[1])
		}
	}
	for begin := range unused {
		t.Errorf("%s has no command %q any more", p.page, begin)
	}
	if len(typed) == 0 {
		t.Fatalf("%s has no command", p.page)
	}
	return typed, map[string]string{}
}

// testExists says whether some package of test/ has the test of that name.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	found := false
	err := fs.WalkDir(os.DirFS(filepath.Join("..", "..")), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || found || e.IsDir() && (path == "build" || strings.HasPrefix(e.Name(), ".git")) {
			if found || e != nil && e.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			found = strings.Contains(readFile(t, filepath.Join("..", "..", path)), "\nfunc "+name+"(t *testing.T)")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// environment puts programs onto the PATH by which the page's commands reach the daemons of this test.
func (p documentedPage) environment(t *testing.T, dir string, d *daemon.DockerDaemon) []string {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	ctr := d.Containerd.Ctr(t)
	for name, script := range map[string]string{
		"ctr":                       "exec '" + ctr.Path() + "' " + strings.Join(ctr.Args, " ") + ` "$@"`,
		"sudo":                      `exec "$@"`,
		"containerd-shim-wasmgo-v1": "exec '" + d.Containerd.CLI(t).Path() + `' "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"CONTAINERD_ADDRESS=" + d.Containerd.Address, "TYPED_BIN=" + bin, "HOME=" + os.Getenv("HOME")}
}
