package native

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
)

func TestFind(t *testing.T) {
	root, volume := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{
		"bin/elf": "\x7fELF\x02\x01\x01\x00", "bin/script": "#!/bin/sh\n", "bin/wasm": "\x00asm\x01\x00\x00\x00", "bin/cwasm": "\x7fELF\x02\x01\x01\xc8",
		"bin/windows": "MZ\x90\x00", "bin/text": "hello", "bin/app.wasm": "\x7fELF\x02\x01\x01\x00", "bin/empty": "", "first/prog": "text", "second/prog": "\x7fELF\x02\x01\x01\x00",
		"hidden/elf": "\x7fELF\x02\x01\x01\x00",
	} {
		write(t, filepath.Join(root, name), content)
	}
	write(t, filepath.Join(volume, "tool"), "#!/bin/sh\n")
	for name, to := range map[string]string{"link": "/bin/elf", "out": "../../../../../../bin/elf", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	mounts := []specs.Mount{
		{Type: "bind", Source: volume, Destination: "/vol"},
		{Source: filepath.Join(volume, "tool"), Destination: "/one", Options: []string{"rbind"}},
		{Type: "tmpfs", Source: "tmpfs", Destination: "/hidden"},
	}
	for _, c := range []struct{ name, arg, want string }{
		{"an ELF file", "/bin/elf", "/bin/elf is a native program"},
		{"a script", "/bin/script", "/bin/script is a script"},
		{"whatever it is called", "/bin/app.wasm", "/bin/app.wasm is a native program"},
		{"by a link", "/link", "/link is a native program"},
		{"by a link that would lead out", "/out", "/out is a native program"},
		{"along PATH", "elf", "/bin/elf is a native program"},
		{"the first of its name along PATH", "prog", ""},
		{"in a volume", "/vol/tool", "/vol/tool is a script"},
		{"a volume of one file", "/one", "/one is a script"},
		{"a module", "/bin/wasm", ""},
		{"Wasmtime's machine code", "/bin/cwasm", ""},
		{"a program of another system", "/bin/windows", ""},
		{"a text", "/bin/text", ""},
		{"nothing", "/bin/empty", ""},
		{"no such file", "/no/such", ""},
		{"a directory", "/bin", ""},
		{"a loop", "/loop", ""},
		{"a file that a tmpfs hides", "/hidden/elf", ""},
		{"a function of a native program", "/bin/elf#run", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bundle.Bundle{Dir: filepath.Dir(root), Spec: &specs.Spec{
				Root: &specs.Root{Path: filepath.Base(root)}, Mounts: mounts,
				Process: &specs.Process{Args: []string{c.arg}, Cwd: "/", Env: []string{"PATH=/bin:/first:/second"}},
			}}
			got := ""
			if p := Find(b, nil); p != nil {
				got = p.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRuncOptions(t *testing.T) {
	pack := func(m proto.Message) *anypb.Any {
		value, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return &anypb.Any{TypeUrl: "types.example/" + string(m.ProtoReflect().Descriptor().FullName()), Value: value}
	}
	for _, c := range []struct {
		name, cgroup string
		given        *anypb.Any
		want         *runcoptions.Options
		err          error
	}{
		{"none", "", nil, &runcoptions.Options{}, nil},
		{"runc's own", "", pack(&runcoptions.Options{Root: "/r", BinaryName: "crun", NoPivotRoot: true}), &runcoptions.Options{Root: "/r", BinaryName: "crun", NoPivotRoot: true}, nil},
		{"TOML, with what is ours in it", "", pack(&runtimeoptions.Options{ConfigBody: []byte("Root = '/r'\nIoUid = 7\nAllowMachineCode = true\n[config]\na = 'b'\n")}), &runcoptions.Options{Root: "/r", IoUid: 7}, nil},
		{"a systemd path", "a.slice:b:c", nil, &runcoptions.Options{SystemdCgroup: true}, nil},
		{"another message", "", pack(&anypb.Any{}), nil, errdefs.ErrInvalidArgument},
		{"TOML that is none", "", pack(&runtimeoptions.Options{ConfigBody: []byte("=")}), nil, errdefs.ErrInvalidArgument},
		{"bytes that are no message", "", &anypb.Any{TypeUrl: optionsType, Value: []byte{0xff}}, nil, errdefs.ErrInvalidArgument},
	} {
		t.Run(c.name, func(t *testing.T) {
			packed, err := runcOptions(c.given, &bundle.Bundle{Spec: &specs.Spec{Linux: &specs.Linux{CgroupsPath: c.cgroup}}})
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			var got runcoptions.Options
			if err := proto.Unmarshal(packed.Value, &got); err != nil {
				t.Fatal(err)
			}
			if packed.TypeUrl != optionsType || !proto.Equal(&got, c.want) {
				t.Errorf("got %s %v, want %v", packed.TypeUrl, &got, c.want)
			}
		})
	}
}

func TestAmended(t *testing.T) {
	const body = `{"new":{"kept":1},"process":{"env":["A=b","WASMGO_X=y"],"also":true},"mounts":[{"destination":"/a"}]}`
	mounts := []specs.Mount{{Destination: "/a"}}
	for _, c := range []struct {
		name string
		spec specs.Spec
		want string
	}{
		{"as it is", specs.Spec{Mounts: mounts, Process: &specs.Process{Env: []string{"A=b", "WASMGO_X=y"}}}, ""},
		{"a variable less", specs.Spec{Mounts: mounts, Process: &specs.Process{Env: []string{"A=b"}}}, `{"mounts":[{"destination":"/a"}],"new":{"kept":1},"process":{"also":true,"env":["A=b"]}}`},
		{
			"a mount more",
			specs.Spec{Mounts: append(mounts, specs.Mount{Destination: "/b", Type: "bind"}), Process: &specs.Process{Env: []string{"A=b", "WASMGO_X=y"}}},
			`{"mounts":[{"destination":"/a"},{"destination":"/b","type":"bind"}],"new":{"kept":1},"process":{"also":true,"env":["A=b","WASMGO_X=y"]}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := amended([]byte(body), &c.spec); err != nil || string(got) != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

const goodRecord = `{"version":1,"namespace":"n","id":"c","address":"a","program":"/bin/shim","dir":"/run/wasmgo/native/1","peer":{"pid":2,"started":3},"shim":{"pid":4,"started":5}}` + "\n"

func TestParseRecord(t *testing.T) {
	for _, c := range []struct {
		name, body string
		err        error
	}{
		{"whole", goodRecord, nil},
		{"nothing", "", fs.ErrNotExist},
		{"cut off", goodRecord[:40], fs.ErrNotExist},
		{"no record", "{}\n", errRecord},
		{"no JSON", "x\n", errRecord},
		{"a directory that is not ours", `{"version":1,"namespace":"n","id":"c","program":"/bin/shim","dir":"/etc","peer":{"pid":2},"shim":{"pid":4}}` + "\n", errRecord},
		{"a directory above ours", `{"version":1,"namespace":"n","id":"c","program":"/bin/shim","dir":"/run/wasmgo/native/..","peer":{"pid":2},"shim":{"pid":4}}` + "\n", errRecord},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseRecord([]byte(c.body)); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
		})
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(goodRecord))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRecord(body)
		if err == nil && (filepath.Dir(r.Dir) != Root || r.Peer.Pid <= 0) {
			t.Errorf("taken: %q", body)
		}
	})
}

func FuzzAmended(f *testing.F) {
	f.Add([]byte(`{"process":{"env":["A=b"]},"mounts":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = amended(body, &specs.Spec{Process: &specs.Process{}})
	})
}
