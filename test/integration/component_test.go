package integration

import (
	"path/filepath"
	"testing"

	"wasmgo/test/pack"
)

// addComponents puts the components of testdata into an image, as /component/NAME.wat, and one that the usual tools have made.
func addComponents(t *testing.T, files map[string]pack.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "components", "*.wat"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no components: %v", err)
	}
	for _, path := range paths {
		files["/component/"+filepath.Base(path)] = pack.File{Content: []byte(readFile(t, path))}
	}
	addNetworkGuests(t, files)
	addHTTPGuests(t, files)
	addProposalGuests(t, files)
	files["/component/hello.wasm"] = pack.File{Content: []byte(readFile(t, filepath.Join("..", "..", "pkg", "component", "testdata", "hello.component.wasm")))}
}

// componentRuns are what components do that need nothing of their container.
var componentRuns = []struct {
	args   []string
	code   int
	stdout string
	stderr []string
}{
	{[]string{"/component/hello.wasm"}, 0, "hello from a component\n", nil},
	{[]string{"/component/hello.wat"}, 0, "hello from a component in text\n", nil},
	{[]string{"/component/exit.wat"}, 42, "", nil},
	{[]string{"/component/fail.wat"}, 1, "", nil},
	{[]string{"/component/trap.wat"}, 134, "", []string{"/component/trap.wat", "unreachable", "inner", "outer"}},
	{[]string{"/component/functions.wat#fine"}, 0, "", nil},
	{[]string{"/component/functions.wat#my:tools/all@1.0.0#fails"}, 1, "", nil},
	{[]string{"/component/functions.wat#takes"}, 126, "", []string{"takes", "parameters"}},
	{[]string{"/component/functions.wat#none"}, 126, "", []string{"none", "/component/functions.wat#fine", "/component/functions.wat#my:tools/all@1.2.0#fails"}},
	{[]string{"/component/functions.wat"}, 126, "", []string{"wasi:cli/run", "/component/functions.wat#fine"}},
	{[]string{"/component/missing.wat"}, 126, "", []string{
		"/component/missing.wat cannot be run", "wasi:cli/stdout@0.3.0", "there is wasi:cli/stdout@0.2.", "wasi:blobstore/blobstore@0.2.0-draft", "me:mine/own", "compose",
		"wasi:cli/exit@0.2.0", "does not fit",
	}},
}

var componentCases = []testCase{
	{"components run and end as they say", func(t *testing.T, e env) {
		for _, c := range componentRuns {
			code, out, errs := e.run(t, guest(c.args...))
			if int(code) != c.code || out != c.stdout {
				t.Errorf("%q: exit code %d, want %d; stdout %q, want %q\n%s", c.args, code, c.code, out, c.stdout, errs)
			}
			mustContain(t, errs, c.stderr...)
		}
	}},
	{"ctr run runs components", func(t *testing.T, e env) {
		for _, c := range componentRuns {
			got := e.ctrRun(t, nil, c.args...).Run(t)
			if got.Code != c.code || got.Stdout != c.stdout {
				t.Errorf("%q: exit code %d, want %d; stdout %q, want %q\n%s", c.args, got.Code, c.code, got.Stdout, c.stdout, got.Stderr)
			}
		}
	}},
}

var dockerComponentCases = []dockerCase{
	{"docker run runs components", func(t *testing.T, d docker) {
		for _, c := range componentRuns {
			got := d.wasm(t, "run", []string{"--rm", "--network", "none"}, c.args...).Run(t)
			if got.Code != c.code || got.Stdout != c.stdout {
				t.Errorf("%q: exit code %d, want %d; stdout %q, want %q\n%s", c.args, got.Code, c.code, got.Stdout, c.stdout, got.Stderr)
			}
			mustContain(t, got.Stderr, c.stderr...)
		}
	}},
}
