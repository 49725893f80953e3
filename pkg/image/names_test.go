package image

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name string
		arg  string
		want string
	}{
		{"an absolute path", "/a/b.wasm", "/a/b.wasm"},
		{"a path from the working directory", "./b.wasm", "/work/b.wasm"},
		{"a path that leads up is made clean", "../../../b.wasm", "/b.wasm"},
		{"a name along PATH, then in the working directory", "b.wasm", "/bin/b.wasm /x/b.wasm /work/b.wasm"},
		{"an export", "/b.wasm#run", "/b.wasm#run /b.wasm =run"},
		{"an export with a hash in it", "/b#a#c", "/b#a#c /b#a =c /b =a#c"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, n := range Names(Process{Args: []string{c.arg}, Cwd: "/work", Env: []string{"PATH=/bin:/x"}}) {
				got = append(got, n.Path)
				if n.Export != "" {
					got = append(got, "="+n.Export)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
	if got := Names(Process{}); got != nil {
		t.Errorf("without arguments: %v", got)
	}
}

func TestNamingIsWhatNamesTheModule(t *testing.T) {
	p := Process{Args: []string{"a", "secret"}, Env: []string{"PATH=/one", "KEY=secret", "PATH=/two"}, Cwd: "/w"}
	n := p.Naming()
	if got := fmt.Sprintln(n.Args, n.Env, n.Cwd); got != "[a] [PATH=/two] /w\n" {
		t.Errorf("got %s", got)
	}
	if got := (Process{}).Naming(); len(got.Args)+len(got.Env) != 0 {
		t.Errorf("got %+v", got)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.wasm#run", "/bin::x", "/work")
	f.Add("../..//a#b#c", "", "")
	f.Fuzz(func(t *testing.T, arg, path, cwd string) {
		for _, n := range Names(Process{Args: []string{arg}, Env: []string{"PATH=" + path}, Cwd: cwd}) {
			if !strings.HasPrefix(n.Path, "/") || slices.Contains(strings.Split(n.Path, "/"), "..") {
				t.Errorf("%q names %q", arg, n.Path)
			}
		}
	})
}
