package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
)

// examples is the folder of the examples, seen from here.
var examples = filepath.Join("..", "..", "examples")

var dockerExampleCases = []dockerCase{
	{"the example in C, built and run as its page says, prints what is expected", func(t *testing.T, d docker) { d.example(t, "c") }},
	{"the example in Rust, built and run as its page says, prints what is expected", func(t *testing.T, d docker) { d.example(t, "rust") }},
	{"the example in JavaScript, built and run as its page says, prints what is expected", func(t *testing.T, d docker) { d.example(t, "javascript") }},
	{"the example in Go, built and run as its page says, prints what is expected", func(t *testing.T, d docker) {
		dir := exampleCopy(t, "hello")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "hello.wasm"), ".")
		build.Dir = filepath.Join(examples, "hello")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		d.exampleIn(t, dir, "hello")
	}},
	{"the Python of the article, native, compiled and interpreted side by side, as compare.sh does it", func(t *testing.T, d docker) {
		dir := exampleCopy(t, "hello-python")
		if err := os.Mkdir(filepath.Join(dir, "build"), 0o755); err != nil {
			t.Fatal(err)
		}
		packed := filepath.Join(dir, "hello-wasm-world.wasm.zst")
		if err := guests.Unpack(packed, "", filepath.Join(dir, "build", "hello-wasm-world.wasm"), time.Now()); err != nil {
			t.Fatal(err)
		}
		got := d.Script(t, filepath.Join(dir, "compare.sh"), []string{"RUNTIME=" + daemon.Runtime, "RUNS=1"}).Output(t)
		table := regexp.MustCompile(`^ +range sum \(ms\) +pystones/s +ratio\nnative +\d+\.\d{3} +\d{4,} +1\.00\nhello-python +\d+\.\d{3} +\d{4,} +\d\.\d\d$`)
		if !table.MatchString(got) {
			t.Errorf("compare.sh printed\n%s", got)
		}
		said := d.Docker(t, "run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "hello-python", "1000").Output(t)
		if want := regexp.MustCompile(strings.TrimSpace(readFile(t, filepath.Join(dir, "expected.txt")))); !want.MatchString(said) {
			t.Errorf("it said\n%s\nexpected\n%s", said, want)
		}
	}},
}

// example builds the image of an example by its Dockerfile and runs it with a name and a greeting.
func (d docker) example(t *testing.T, name string) {
	t.Helper()
	d.exampleIn(t, exampleCopy(t, name), name)
}

func (d docker) exampleIn(t *testing.T, dir, name string) {
	t.Helper()
	d.Docker(t, "buildx", "build", "--platform", "wasi/wasm", "--tag", "hello-"+name, dir).Output(t)
	run := []string{"run", "--rm", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "--env", "GREETING=Good morning", "--env", "NAME=you"}
	got := d.Docker(t, append(run, "hello-"+name, "you")...).Output(t)
	want := regexp.MustCompile(strings.TrimSpace(readFile(t, filepath.Join(dir, "expected.txt"))))
	if !want.MatchString(got) {
		t.Errorf("it said %q, expected %q", got, want)
	}
}

// exampleCopy copies the files of an example into a folder of the test's own: docker build looks at all that is beside its Dockerfile.
func exampleCopy(t *testing.T, name string) string {
	t.Helper()
	from, to := filepath.Join(examples, name), t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil {
			t.Fatal(err)
		} else if info.Mode().IsRegular() {
			content := []byte(readFile(t, filepath.Join(from, e.Name())))
			if err := os.WriteFile(filepath.Join(to, e.Name()), content, info.Mode().Perm()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}
