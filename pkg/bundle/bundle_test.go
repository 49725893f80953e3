package bundle

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/settings"
)

const good = `{"ociVersion":"1.2.0","process":{"args":["/a.wasm"],"cwd":"/"},"root":{"path":"rootfs"},"linux":{}}`

func writeConfig(t testing.TB, body string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := writeConfig(t, good)
	b, err := Load(dir, settings.Host{})
	if err != nil {
		t.Fatal(err)
	}
	if b.Dir != dir || b.Spec.Process.Args[0] != "/a.wasm" || b.SystemdCgroup() || b.MemoryLimit() != 0 {
		t.Errorf("got %+v", b)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		want   string // in the message
	}{
		"not JSON":                  {`{"ociVersion":`, "config.json"},
		"a field of the wrong type": {strings.Replace(good, `["/a.wasm"]`, `"x"`, 1), "process.args"},
		"no version":                {strings.Replace(good, `"1.2.0"`, `""`, 1), "ociVersion"},
		"version 2":                 {strings.Replace(good, `"1.2.0"`, `"2.0.0"`, 1), "ociVersion"},
		"a version of words":        {strings.Replace(good, `"1.2.0"`, `"1.x"`, 1), "ociVersion"},
		"no process":                {strings.Replace(good, `"process"`, `"p"`, 1), "process"},
		"no arguments":              {strings.Replace(good, `["/a.wasm"]`, `[]`, 1), "process.args"},
		"no root":                   {strings.Replace(good, `"root"`, `"r"`, 1), "root"},
		"no linux":                  {strings.Replace(good, `"linux"`, `"windows"`, 1), "linux"},
		"an annotation nobody knows": {
			strings.Replace(good, `"linux"`, `"annotations":{"io.containerd.wasmgo.groop":"x"},"linux"`, 1),
			"io.containerd.wasmgo.groop",
		},
		"an annotation with a bad value": {
			strings.Replace(good, `"linux"`, `"annotations":{"io.containerd.wasmgo.group":""},"linux"`, 1),
			"io.containerd.wasmgo.group",
		},
		"a variable nobody knows":                     {strings.Replace(good, `"cwd"`, `"env":["A=b","WASMGO_FUEL=1"],"cwd"`, 1), "WASMGO_FUEL"},
		"a variable for what only an annotation sets": {strings.Replace(good, `"cwd"`, `"env":["WASMGO_GROUP=a"],"cwd"`, 1), "WASMGO_GROUP"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(writeConfig(t, c.config), settings.Host{})
			if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an invalid argument that names %s", err, c.want)
			}
		})
	}
	t.Run("no config.json", func(t *testing.T) {
		if _, err := Load(t.TempDir(), settings.Host{}); !errors.Is(err, errdefs.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("config.json is a directory", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, ConfigName), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir, settings.Host{}); !errors.Is(err, errdefs.ErrInvalidArgument) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSystemdCgroupIsInferred(t *testing.T) {
	for path, want := range map[string]bool{
		"":                     false,
		"/docker/abc":          false,
		"a:b":                  false,
		"system.slice:docker:": true,
		"x.slice:cri:id":       true,
		"a:b:c:d":              false,
	} {
		b := Bundle{Spec: &specs.Spec{Linux: &specs.Linux{CgroupsPath: path}}}
		if got := b.SystemdCgroup(); got != want {
			t.Errorf("%q: got %v", path, got)
		}
	}
	b := Bundle{Spec: &specs.Spec{}, Settings: settings.Values{SystemdCgroup: true}}
	if !b.SystemdCgroup() {
		t.Error("the option is not heeded")
	}
}

func TestMemoryLimit(t *testing.T) {
	for limit, want := range map[int64]int64{0: 0, -1: 0, 4096: 4096} {
		spec := &specs.Spec{Linux: &specs.Linux{Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}}}
		if got := (&Bundle{Spec: spec}).MemoryLimit(); got != want {
			t.Errorf("%d: got %d", limit, got)
		}
	}
}

// TestSettings: what the container says is weighed against the operator's, and taken out of the environment. Package settings has the rest.
func TestSettings(t *testing.T) {
	deny, err := settings.ParseOptions([]byte("deny = 'dns'"))
	if err != nil {
		t.Fatal(err)
	}
	dir := writeConfig(t, strings.NewReplacer(`"linux"`, `"annotations":{"io.containerd.wasmgo.deny":"tcp"},"linux"`,
		`"cwd"`, `"env":["A=b","WASMGO_DENY=udp"],"cwd"`).Replace(good))
	b, err := Load(dir, settings.Host{}.With(deny))
	if err != nil || b.Settings.Deny != (handover.Deny{TCP: true, DNS: true}) || !slices.Equal(b.Spec.Process.Env, []string{"A=b"}) {
		t.Fatalf("%+v, %v", b, err)
	}
	x, err := b.Exec(&specs.Process{Args: []string{"/x"}, Env: []string{"WASMGO_DENY=udp", "C=d"}})
	if err != nil || x.Settings.Deny != b.Settings.Deny || !slices.Equal(x.Spec.Process.Env, []string{"C=d"}) {
		t.Errorf("an exec: %+v, %v", x, err)
	}
}

func TestAnnotations(t *testing.T) {
	dir := writeConfig(t, strings.Replace(good, `"linux"`, `"annotations":{"a":"b"},"linux"`, 1))
	got, err := Annotations(dir)
	if err != nil || !maps.Equal(got, map[string]string{"a": "b"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Annotations(writeConfig(t, "[]")); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
}

func TestExit(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadExit(dir); !errors.Is(err, errdefs.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	want := Exit{Pid: 12, Status: 137, At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)}
	for range 2 {
		if err := WriteExit(dir, want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ReadExit(dir); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	// A shim that was killed before it could write a byte.
	if err := os.WriteFile(filepath.Join(dir, exitName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadExit(dir); !errors.Is(err, errdefs.ErrNotFound) {
		t.Errorf("an empty record: %v", err)
	}
	if err := WriteExit("/nowhere", want); err == nil {
		t.Error("recorded in a directory that is missing")
	}
}

func TestReadExitRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":               "",
		"half":                  `{"pid":1,"sta`,
		"no pid":                `{"status":1,"at":"2026-01-02T03:04:05Z"}`,
		"no time":               `{"pid":1,"status":1}`,
		"a status out of range": `{"pid":1,"status":256,"at":"2026-01-02T03:04:05Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseExit([]byte(body)); !errors.Is(err, errdefs.ErrDataLoss) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzExit(f *testing.F) {
	f.Add([]byte(`{"pid":1,"status":7,"at":"2026-01-02T03:04:05Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := parseExit(body)
		if err != nil {
			return
		}
		again, err := json.Marshal(x)
		if err != nil {
			return // a year that JSON cannot say
		}
		if y, err := parseExit(again); err != nil || !y.At.Equal(x.At) || y.Status != x.Status || y.Pid != x.Pid {
			t.Errorf("%v became %v, %v", x, y, err)
		}
	})
}

// FuzzSpec: what is taken has all that the rest of the program relies on, and no setting of ours in its environment.
func FuzzSpec(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"cwd"`, `"env":["WASMGO_X=1"],"cwd"`, 1)))
	f.Fuzz(func(t *testing.T, body []byte) {
		spec, err := parseSpec(body)
		if err != nil {
			return
		}
		if spec.Process == nil || len(spec.Process.Args) == 0 || spec.Root == nil || spec.Linux == nil {
			t.Fatalf("taken: %s", body)
		}
		if _, err := takeSettings(spec, settings.Host{}); err != nil {
			return
		}
		for _, env := range spec.Process.Env {
			if strings.HasPrefix(env, settings.VariablePrefix) {
				t.Errorf("left in the environment: %s", env)
			}
		}
	})
}
