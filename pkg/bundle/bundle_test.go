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
	b, err := Load(dir, Options{ShimCgroup: "/x"})
	if err != nil {
		t.Fatal(err)
	}
	if b.Dir != dir || b.Spec.Process.Args[0] != "/a.wasm" || b.Options.ShimCgroup != "/x" || b.SystemdCgroup() || b.MemoryLimit() != 0 {
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
			_, err := Load(writeConfig(t, c.config), Options{})
			if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an invalid argument that names %s", err, c.want)
			}
		})
	}
	t.Run("no config.json", func(t *testing.T) {
		if _, err := Load(t.TempDir(), Options{}); !errors.Is(err, errdefs.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("config.json is a directory", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, ConfigName), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir, Options{}); !errors.Is(err, errdefs.ErrInvalidArgument) {
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
	b := Bundle{Spec: &specs.Spec{}, Options: Options{SystemdCgroup: true}}
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

func TestDeny(t *testing.T) {
	for value, want := range map[string]handover.Deny{
		"":            {},
		"tcp":         {TCP: true},
		"udp, dns":    {UDP: true, DNS: true},
		"dns,tcp,udp": {TCP: true, UDP: true, DNS: true},
		"tcp,tcp":     {TCP: true},
	} {
		spec := &specs.Spec{Process: &specs.Process{}, Annotations: map[string]string{"io.containerd.wasmgo.deny": value}}
		if s, err := takeSettings(spec); err != nil || s.Deny != want {
			t.Errorf("%q: got %+v, %v", value, s.Deny, err)
		}
	}
	for _, value := range []string{",", "icmp", "TCP", "tcp;udp", "tcp,"} {
		spec := &specs.Spec{Process: &specs.Process{}, Annotations: map[string]string{"io.containerd.wasmgo.deny": value}}
		if _, err := takeSettings(spec); !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), "any of tcp, udp, dns") {
			t.Errorf("%q: error %v", value, err)
		}
	}
	spec := &specs.Spec{
		Process:     &specs.Process{Env: []string{"WASMGO_DENY=udp"}},
		Annotations: map[string]string{"io.containerd.wasmgo.deny": "tcp"},
	}
	if s, err := takeSettings(spec); err != nil || s.Deny != (handover.Deny{TCP: true}) || len(spec.Process.Env) != 0 {
		t.Errorf("got %+v, %v, env %v; what the operator says is all that counts", s.Deny, err, spec.Process.Env)
	}
}

// TestVariablesAreTaken uses a setting of its own.
func TestVariablesAreTaken(t *testing.T) {
	real := settings
	t.Cleanup(func() { settings = real })
	settings = append(slices.Clone(real), setting{key: "a-b", annotation: true, variable: true, set: func(s *Settings, v string) error {
		s.Group = v
		return nil
	}})
	spec := &specs.Spec{Process: &specs.Process{Env: []string{"X=1", "WASMGO_A_B=var", "Y=2", "WASMGO=keep"}}}
	s, err := takeSettings(spec)
	if err != nil || s.Group != "var" {
		t.Errorf("got %v, %v", s, err)
	}
	if want := []string{"X=1", "Y=2", "WASMGO=keep"}; !slices.Equal(spec.Process.Env, want) {
		t.Errorf("env %q, want %q", spec.Process.Env, want)
	}
	spec = &specs.Spec{
		Process:     &specs.Process{Env: []string{"WASMGO_A_B=var"}},
		Annotations: map[string]string{"io.containerd.wasmgo.a-b": "ann"},
	}
	if s, err := takeSettings(spec); err != nil || s.Group != "ann" {
		t.Errorf("the annotation does not win: %v, %v", s, err)
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
		if _, err := takeSettings(spec); err != nil {
			return
		}
		for _, env := range spec.Process.Env {
			if strings.HasPrefix(env, variablePrefix) {
				t.Errorf("left in the environment: %s", env)
			}
		}
	})
}
