package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// host has usual paths, none of which is touched.
func host() *Host {
	return &Host{
		Program: "/usr/local/bin/containerd-shim-wasmgo-v1", Root: "/var/lib/wasmgo", Containerd: "containerd",
		Config: "/etc/containerd/config.toml", DropIns: "/etc/containerd/conf.d", Handler: "wasmgo",
	}
}

const (
	version2 = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"pause:1\"\n"
	version3 = "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  sandbox = 'pause:1'"
)

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		major int
		main  string   // "" is that there is none
		want  []string // what the main configuration has in it afterwards
		paths string   // of the edits, in their order
	}{
		{"containerd 2 without a configuration", 2, "", []string{ownFile, "version = 3"}, "wasmgo.toml config.toml"},
		{"containerd 2 without imports", 2, version3, []string{"imports = [\"/etc/containerd/conf.d/wasmgo.toml\"] # of wasmgo\nversion = 3"}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 2 with a configuration of version 2", 2, version2, []string{"imports = "}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 2 with other imports", 2, "imports = ['/a.toml', \"b\"] # theirs\n" + version3, []string{`imports = ["/etc/containerd/conf.d/wasmgo.toml", '/a.toml', "b"] # theirs`}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 2 with imports over several lines", 2, "version = 3\n\"imports\" =\t[ # first\n  '/a.toml', # second\n]\n", []string{"[\"/etc/containerd/conf.d/wasmgo.toml\",  # first\n"}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 2 with an empty list", 2, "imports = []\n", []string{`imports = ["/etc/containerd/conf.d/wasmgo.toml", ]`}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 2 that imports the directory", 2, "imports = ['/etc/containerd/conf.d/*.toml']\n" + version3, []string{"imports = ['/etc/containerd/conf.d/*.toml']\nversion"}, "wasmgo.toml config.toml"},
		{"containerd 2 that imports the directory by a relative path", 2, "imports = ['conf.d/*.toml']\n", []string{"imports = ['conf.d/*.toml']\n"}, "wasmgo.toml config.toml"},
		{"containerd 2 whose imports are below a table", 2, "[other]\nimports = ['/a']\n", []string{"imports = [\"/etc/containerd/conf.d/wasmgo.toml\"] # of wasmgo\n[other]"}, "wasmgo.toml config.toml.before-wasmgo config.toml"},
		{"containerd 1", 1, version2, []string{version2 + beginBlock, `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmgo"]`, endBlock}, "config.toml.before-wasmgo config.toml"},
		{"containerd 1 without a configuration", 1, "", []string{ownFile + "version = 2\n" + beginBlock}, "config.toml"},
		{"containerd 1 whose file ends without a newline", 1, "version = 2", []string{"version = 2" + beginBlock}, "config.toml.before-wasmgo config.toml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := host()
			var main *file
			if c.main != "" {
				main = &file{[]byte(c.main), 0o600}
			}
			edits, err := h.plan(&containerd{major: c.major}, main)
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, e := range edits {
				paths = append(paths, filepath.Base(e.path))
				var parsed map[string]any
				if err := toml.Unmarshal(e.want.content, &parsed); err != nil {
					t.Errorf("%s: %v\n%s", e.path, err, e.want.content)
				}
			}
			if got := strings.Join(paths, " "); got != c.paths {
				t.Errorf("edits of %s, want %s", got, c.paths)
			}
			planned := wanted(edits, h.Config)
			for _, want := range c.want {
				if !strings.Contains(planned, want) {
					t.Errorf("no %q in\n%s", want, planned)
				}
			}
			again, err := h.plan(&containerd{major: c.major}, &file{[]byte(planned), 0o600})
			if err != nil || wanted(again, h.Config) != planned {
				t.Errorf("a second time it is\n%s (%v)", wanted(again, h.Config), err)
			}
			removal, err := h.planRemoval(&file{[]byte(planned), 0o600})
			if err != nil || removal[0].path != h.Config {
				t.Fatalf("got %v (%v)", removal, err)
			}
			if gone := removal[0].want == nil; gone != (main == nil) || !gone && string(removal[0].want.content) != c.main {
				t.Errorf("removed it is\n%v, want\n%s", removal[0].want, c.main)
			}
		})
	}
}

func TestWhatCannotBeEdited(t *testing.T) {
	for name, text := range map[string]string{
		"imports that are no list":          "imports = 'a'\n",
		"a file that is no TOML":            "version = = 3\n",
		"a block that somebody has cut off": "version = 2\n" + beginBlock + "[plugins]\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := host().plan(&containerd{major: 2}, &file{[]byte(text), 0o600})
			if err == nil || !strings.Contains(err.Error(), host().Config) {
				t.Errorf("got %v, want an error that names the file", err)
			}
		})
	}
}

// FuzzImport: what is put into a configuration is TOML again, imports the file as well, and can be taken out to the byte.
func FuzzImport(f *testing.F) {
	for _, text := range []string{"", version2, version3, "imports = []", "imports=['a',\n'b']", "a.imports = []\n", "\"imports\"=[]#[\n[x]", "imports = [[1]]", "\ufeffversion=3", "imports\t=\t[\"]\"]\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var before map[string]any
		if toml.Unmarshal([]byte(text), &before) != nil {
			return
		}
		h := host()
		if plain, existed, err := h.without(text); err != nil || plain != text || !existed {
			return // it was the installer's already
		}
		imported, err := h.withImport(text)
		if err != nil {
			return // imports that are no list
		}
		var after struct{ Imports []any }
		if err := toml.Unmarshal([]byte(imported), &after); err != nil {
			t.Fatalf("%q becomes %q: %v", text, imported, err)
		}
		if imported != text && (len(after.Imports) == 0 || after.Imports[0] != h.dropIn()) {
			t.Fatalf("%q becomes %q, which imports %v", text, imported, after.Imports)
		}
		if plain, _, err := h.without(imported); err != nil || plain != text {
			t.Fatalf("%q becomes %q and then %q (%v)", text, imported, plain, err)
		}
	})
}

func TestVersionOfContainerd(t *testing.T) {
	for text, want := range map[string]int{
		"containerd github.com/containerd/containerd/v2 v2.4.2 abc\n":                 2,
		"containerd github.com/containerd/containerd/v2 2.4.2+unknown \n":             2,
		"containerd github.com/containerd/containerd 1.7.35 05044ec0a9a75\n":          1,
		"containerd containerd.io v1.7.28 b98a3aace656320842a23f4a392a33f46af97866\n": 1,
		"runc version 1.2\n": 0,
		"":                   0,
	} {
		got, err := majorOf([]byte(text))
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %d (%v)", text, got, err)
		}
	}
}

func TestCompare(t *testing.T) {
	handler := map[string]any{"runtime_type": runtimeType, "runtime_path": host().Program}
	config := func(root string, runtimes map[string]any) map[string]any {
		return map[string]any{"root": root, "imports": []any{root}, "plugins": map[string]any{criRuntime: map[string]any{"containerd": map[string]any{"runtimes": runtimes}}}}
	}
	for _, c := range []struct {
		name          string
		before, after map[string]any
		want          string
	}{
		{"the handler alone is new", config("/a", map[string]any{"runc": 1}), config("/a", map[string]any{"runc": 1, "wasmgo": handler}), ""},
		{"the handler is not there", config("/a", map[string]any{}), config("/a", map[string]any{}), "there is no handler"},
		{"the handler is somebody else's", config("/a", map[string]any{}), config("/a", map[string]any{"wasmgo": map[string]any{"runtime_type": "other"}}), "something else configures it"},
		{"another setting changes", config("/a", map[string]any{}), config("/b", map[string]any{"wasmgo": handler}), "would change root"},
		{"another handler is lost", config("/a", map[string]any{"runc": 1}), config("/a", map[string]any{"wasmgo": handler}), "runtimes.runc"},
		{"another handler comes", config("/a", map[string]any{}), config("/a", map[string]any{"kata": 1, "wasmgo": handler}), "runtimes.kata"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := host().compare(c.before, c.after)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	if err := replace(link, &file{[]byte("new"), 0o640}); err != nil {
		t.Fatal(err)
	}
	got, err := readIfThere(real)
	if err != nil || string(got.content) != "new" || got.mode != 0o640 {
		t.Errorf("got %v (%v)", got, err)
	}
	if target, err := os.Readlink(link); err != nil || target != "real" {
		t.Errorf("the link is %q (%v)", target, err)
	}
	if err := replace(filepath.Join(dir, "new", "file"), &file{nil, 0o644}); err != nil {
		t.Error(err)
	}
	if err := replace(filepath.Join(real, "below"), &file{nil, 0o644}); err == nil || !strings.Contains(err.Error(), real) {
		t.Errorf("below a file: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("there is %v (%v)", entries, err)
	}
}

func TestDirectoriesAreRemovedAgain(t *testing.T) {
	dir := t.TempDir()
	h := &Host{Root: filepath.Join(dir, "root"), Log: t.Logf}
	made, used := filepath.Join(dir, "a", "b c"), filepath.Join(dir, "c")
	for _, path := range []string{filepath.Join(made, "file"), filepath.Join(used, "file")} {
		if _, err := h.apply([]edit{{path, &file{nil, 0o644}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(made, "file")); err != nil {
		t.Fatal(err)
	}
	if err := h.removeDirectories(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a")); err == nil {
		t.Error("the directory that was made is left")
	}
	if _, err := os.Lstat(used); err != nil {
		t.Errorf("the directory that is in use: %v", err)
	}
}
