package integration

import (
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// languages is what a case of TestLanguages gets: a dockerd and the containerd below it, which share an image that holds every
// guest of test/guests/component as /NAME.wasm. Each is compiled once for both.
type languages struct {
	env
	docker
}

const languagesImage = "test.local/languages:1"

func newLanguages(t *testing.T) languages {
	t.Helper()
	files := map[string]pack.File{"/tmp/.keep": {Mode: 0o644}, "/work/here": {Content: []byte("here\n"), Mode: 0o644}}
	for _, name := range guests.Components(t) {
		files["/"+name+".wasm"] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
	d := daemon.Dockerd(t)
	image := d.Containerd.Import(t, pack.Image{Name: languagesImage, Config: v1.ImageConfig{WorkingDir: "/work"}, Files: files})
	return languages{env{ContainerdDaemon: d.Containerd, image: image, last: new(atomic.Int64)}, docker{d, new(atomic.Int64)}}
}

// run prepares a docker run that takes standard input.
func (l languages) run(t *testing.T, flags []string, args ...string) *daemon.Command {
	t.Helper()
	all := append([]string{"run", "--rm", "-i", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "--network", "none"}, flags...)
	return l.docker.Docker(t, append(append(all, languagesImage), args...)...)
}

// A languageRun is a guest that is run, and what it does.
type languageRun struct {
	args   string
	stdin  string
	code   int
	stdout string   // a regular expression that all of it matches
	stderr []string // what it contains
}

const (
	hexLine   = `^[0-9a-f]{32}\n$`
	clockLine = `^1\d{9} \d\d+\n$`
	envLines  = `(?m)^A=b$`
)

var someText = strings.Repeat("abc\n", 20_000)

// languageRuns need nothing of their container but a file system of its own.
var languageRuns = []struct {
	language string
	runs     []languageRun
}{
	{"C", []languageRun{
		{"c_tool hello", "", 0, "^hello from C\n$", nil},
		{"c_tool args one two", "", 0, "^/c_tool.wasm\nargs\none\ntwo\n$", nil},
		{"c_tool env", "", 0, envLines, nil},
		{"c_tool upper", someText, 0, "^(ABC\n)+$", nil},
		{"c_tool clock", "", 0, clockLine, nil},
		{"c_tool random", "", 0, hexLine, nil},
		{"c_tool exit 7", "", 1, "^$", nil},
		{"c_tool trap", "", 134, "^$", []string{"/c_tool.wasm", "unreachable", "inner"}},
		{"c_files /tmp", "", 0, "^files work\n$", nil},
		{"c_files .", "", 0, "^files work\n$", nil},
	}},
	{"C through wit-bindgen", []languageRun{
		{"c_bindings exit 42", "", 42, "^$", nil},
		{"c_bindings error", "", 1, "^$", nil},
		{"c_bindings splice", someText, 0, "^(abc\n)+$", nil},
		{"c_bindings poll", "", 0, "^20\n40\n60\n$", nil},
		{"c_bindings ready", "x", 0, "^input\n$", nil},
		{"c_bindings random", "", 0, "^different ", nil},
		{"c_bindings terminal", "", 0, "^no terminal\n$", nil},
		{"c_bindings cwd", "", 0, "^/work\n$", nil},
		{"c_bindings stale", "", 134, "^$", []string{"handle"}},
	}},
	{"functions", []languageRun{
		{"functions", "", 0, "^the command\n$", nil},
		{"functions#greet", "", 0, "^hello from a function\n$", nil},
		{"functions#things#greet", "", 0, "^hello from a function\n$", nil},
		{"functions#answer", "", 0, "", nil},
		{"functions#fails", "", 1, "^$", nil},
		{"functions#refuses", "", 1, "^$", nil},
		{"functions#leave", "", 1, "^$", nil},
		{"functions#crash", "", 134, "^$", []string{"unreachable"}},
		{"functions#takes", "", 126, "^$", []string{"takes", "parameters"}},
		{"missing_import", "", 126, "^$", []string{"wasmgo:nowhere/door@1.2.3", "wasi:random/random@0.9.0", "wasi:random/insecure@0.2.0", "bell"}},
	}},
	{"Rust", []languageRun{
		{"rust_tool hello", "", 0, "^hello from Rust\n$", nil},
		{"rust_tool args one two", "", 0, "^/rust_tool.wasm\nargs\none\ntwo\n$", nil},
		{"rust_tool env", "", 0, envLines, nil},
		{"rust_tool upper", someText, 0, "^(ABC\n)+$", nil},
		{"rust_tool clock", "", 0, clockLine, nil},
		{"rust_tool random", "", 0, hexLine, nil},
		{"rust_tool panic", "", 134, "^$", []string{"at the disco", "unreachable"}},
		{"rust_files /tmp/", "", 0, "^files work\n$", nil},
	}},
	{"a component of C and one of Rust", []languageRun{
		{"composed", "", 0, "^left: 70\nrefused: there are 20\nAda has 70\nGrete has 20\nGrete has 90\n1 open\n0 open\n$", nil},
		{"composed stale", "", 134, "1 open\n$", []string{"handle"}},
	}},
	{"modules of WASI 0.1 in an adapter", []languageRun{
		{"adapted_args one", "", 0, "^/adapted_args.wasm\none\n$", nil},
		{"adapted_cat", someText, 0, "^(abc\n)+$", nil},
		{"adapted_exit_code 7", "", 1, "^$", nil},
		{"adapted_files write /tmp/x y read /tmp/x", "", 0, "^y$", nil},
		{"go_tool args one two", "", 0, "^one\ntwo\n$", nil},
		{"go_tool env", "", 0, envLines, nil},
		{"go_tool cat", someText, 0, "^(abc\n)+$", nil},
		{"go_tool read /work/here", "", 0, "^here\n$", nil},
	}},
	{"C++", []languageRun{
		{"cpp_tool hello", "", 0, "^hello from C\\+\\+\n$", nil},
		{"cpp_tool args one two", "", 0, "^/cpp_tool.wasm\nargs\none\ntwo\n$", nil},
		{"cpp_tool env", "", 0, envLines, nil},
		{"cpp_tool upper", someText, 0, "^(ABC\n)+$", nil},
	}},
	{"Zig", []languageRun{
		{"zig_tool hello", "", 0, "^hello from Zig\n$", nil},
		{"zig_tool args one two", "", 0, "^/zig_tool.wasm\nargs\none\ntwo\n$", nil},
		{"zig_tool upper", someText, 0, "^(ABC\n)+$", nil},
	}},
	{"JavaScript", []languageRun{
		{"js_tool hello", "", 0, "^hello from JavaScript\n$", nil},
		{"js_tool args one two", "", 0, "^/js_tool.wasm\nargs\none\ntwo\n$", nil},
		{"js_tool env", "", 0, envLines, nil},
		{"js_tool upper", someText, 0, "^(ABC\n)+$", nil},
		{"js_tool clock", "", 0, clockLine, nil},
		{"js_tool random", "", 0, hexLine, nil},
		{"js_tool exit 42", "", 42, "^$", nil},
		{"js_tool throw", "", 1, "^$", nil},
		{"js_tool files /tmp", "", 0, "^written by JavaScript\n21 (true|false)\n.keep from-js\n$", nil},
		{"js_net lookup localhost", "", 0, `(?m)^127\.0\.0\.1$`, nil},
	}},
	{"Python", []languageRun{
		{"python_tool hello", "", 0, "^hello from Python\n$", nil},
		{"python_tool args one two", "", 0, "^/python_tool.wasm\nargs\none\ntwo\n$", nil},
		{"python_tool env", "", 0, envLines, nil},
		{"python_tool upper", "abc\nüber\n", 0, "^ABC\nÜBER\n$", nil},
		{"python_tool clock", "", 0, clockLine, nil},
		{"python_tool random", "", 0, hexLine, nil},
		{"python_tool exit 3", "", 1, "^$", nil},
		{"python_tool raise", "", 134, "^$", []string{"RuntimeError: raised by Python"}},
		{"python_tool lookup localhost", "", 0, `(?m)^127\.0\.0\.1$`, nil},
		{"python_tool files /tmp", "", 0, "^written by Python\n18 .keep from-python\n$", nil},
	}},
}

func TestLanguages(t *testing.T) {
	daemon.NeedRoot(t)
	l := newLanguages(t)
	for _, group := range languageRuns {
		t.Run(group.language, func(t *testing.T) {
			t.Parallel()
			for _, r := range group.runs {
				l.try(t, r)
			}
		})
	}
	for _, c := range slices.Concat(languageCases, languageHTTPCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, l)
		})
	}
}

// try runs a guest through containerd and through docker.
func (l languages) try(t *testing.T, r languageRun) {
	t.Helper()
	args := strings.Fields(r.args)
	name, function, _ := strings.Cut(args[0], "#")
	args[0] = "/" + name + ".wasm"
	if function != "" {
		args[0] += "#" + function
	}
	check := func(by string, code int, stdout, stderr string) {
		t.Helper()
		if code != r.code || !regexp.MustCompile(r.stdout).MatchString(stdout) || (len(r.stdin) > 1000 && len(stdout) != len(r.stdin)) {
			t.Errorf("%s by %s: exit code %d, want %d; stdout %.300q of %d bytes, want %s\n%s", r.args, by, code, r.code, stdout, len(stdout), r.stdout, stderr)
		}
		for _, want := range r.stderr {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s by %s: stderr %q has no %q", r.args, by, stderr, want)
			}
		}
	}

	c := l.env.start(t, guest(args...).with(oci.WithEnv([]string{"A=b"})).reading(strings.NewReader(r.stdin)))
	if err := c.task.CloseIO(c.ctx, client.WithStdinCloser); err != nil && c.status(t) != client.Stopped {
		t.Errorf("%s: close stdin: %v", r.args, err)
	}
	code := c.end(t)
	check("containerd", int(code), c.stdout.String(), c.stderr.String())

	run := l.run(t, []string{"--env", "A=b"}, args...)
	run.Stdin = strings.NewReader(r.stdin)
	got := run.Run(t)
	check("docker", got.Code, got.Stdout, got.Stderr)
}

// languageCase is one thing to show; the name is a sentence.
type languageCase struct {
	name string
	run  func(t *testing.T, l languages)
}

var languageCases = []languageCase{
	{"a line in is a line out, while standard input stays open", func(t *testing.T, l languages) {
		for _, file := range []string{"/c_tool.wasm", "/rust_tool.wasm", "/js_tool.wasm", "/python_tool.wasm"} {
			r, w := io.Pipe()
			c := l.env.start(t, guest(file, "upper").reading(r))
			for _, line := range []string{"first\n", "second\n", "third\n"} {
				if _, err := io.WriteString(w, line); err != nil {
					t.Fatal(err)
				}
				c.stdout.await(t, strings.ToUpper(line))
			}
			w.Close()
			if err := c.task.CloseIO(c.ctx, client.WithStdinCloser); err != nil {
				t.Errorf("%s: close stdin: %v", file, err)
			}
			if code := c.end(t); code != 0 || c.stdout.String() != "FIRST\nSECOND\nTHIRD\n" {
				t.Errorf("%s: exit code %d, stdout %q\n%s", file, code, c.stdout, c.stderr)
			}
		}
	}},
	{"volumes are read and written, or read alone", func(t *testing.T, l languages) {
		for _, guest := range []string{"/c_files.wasm", "/rust_files.wasm"} {
			dir := t.TempDir()
			got := l.run(t, []string{"--read-only", "-v", dir + ":/data"}, guest, "/data").Run(t)
			if got.Code != 0 || got.Stdout != "files work\n" {
				t.Errorf("%s: %+v", guest, got)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
				t.Errorf("%s left %q (%v)", guest, left, err)
			}
			got = l.run(t, []string{"-v", dir + ":/data:ro"}, guest, "/data").Run(t)
			if got.Code != 1 || !strings.Contains(got.Stdout, "Read-only file system") {
				t.Errorf("%s may write to a read-only volume: %+v", guest, got)
			}
		}
	}},
	{"a terminal is one", func(t *testing.T, l languages) {
		w := guest("/c_bindings.wasm", "terminal")
		w.terminal = true
		if code, out, _ := l.env.run(t, w); code != 0 || out != "terminal\r\n" && out != "terminal\n" {
			t.Errorf("exit code %d, stdout %q", code, out)
		}
	}},
	{"servers in C, Rust, JavaScript and Python are reached through published ports", func(t *testing.T, l languages) {
		for _, c := range []struct{ name, port, serve, want string }{
			{"server_in_c", "18095", "/c_net.wasm serve 0.0.0.0 7000 1", "said by C"},
			{"server_in_rust", "18096", "/rust_net.wasm serve 0.0.0.0:7000 1", "said by C"},
			{"server_in_javascript", "18097", "/js_net.wasm serve 7000", "SAID BY C"},
			{"server_in_python", "18098", "/python_tool.wasm serve 7000", "SAID BY C"},
		} {
			l.docker.Docker(t, append([]string{
				"run", "--detach", "--name", c.name, "--runtime", daemon.Runtime, "--platform", "wasi/wasm",
				"--publish", c.port + ":7000", languagesImage,
			}, strings.Fields(c.serve)...)...).Output(t)
			t.Cleanup(func() { l.docker.remove(t, c.name) })
			l.docker.says(t, c.name, "listening on 7000\n")
			client := l.docker.Docker(t, "run", "--rm", "-i", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "--network", "host",
				languagesImage, "/c_net.wasm", "connect", "127.0.0.1", c.port)
			client.Stdin = strings.NewReader("said by C")
			if got := client.Run(t); got.Code != 0 || got.Stdout != c.want {
				t.Errorf("%s: the client: %+v", c.name, got)
			}
			if code := l.docker.Docker(t, "wait", c.name).Output(t); code != "0" {
				t.Errorf("%s: the server ended with %s: %+v", c.name, code, l.docker.Docker(t, "logs", c.name).Run(t))
			}
		}
	}},
	{"guests that wait end when they are told to", func(t *testing.T, l languages) {
		for _, args := range [][]string{{"/rust_tool.wasm", "upper"}, {"/js_tool.wasm", "upper"}, {"/python_tool.wasm", "upper"}} {
			for signal, want := range map[syscall.Signal]uint32{syscall.SIGTERM: 143, syscall.SIGKILL: 137} {
				r, w := io.Pipe()
				c := l.env.start(t, guest(args...).reading(r))
				if _, err := io.WriteString(w, "and now?\n"); err != nil {
					t.Fatal(err)
				}
				c.stdout.await(t, "AND NOW?\n")
				c.kill(t, signal)
				code := c.end(t)
				w.Close()
				if code != want {
					t.Errorf("%q, %v: exit code %d, want %d\n%s", args, signal, code, want, c.stderr)
				}
			}
		}
	}},
}
