package runtimeoptions

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"

	"wasmgo/pkg/settings"
)

func marshal(t testing.TB, m proto.Message) (typeURL string, value []byte) {
	t.Helper()
	value, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(m.ProtoReflect().Descriptor().FullName()), value
}

// said is what options say, in the order of the table.
func said(options []settings.Said) string {
	var out []string
	for _, s := range (settings.Host{}).With(options).Said() {
		out = append(out, s.Name()+"="+s.Text)
	}
	return strings.Join(out, " ")
}

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "options.toml")
	if err := os.WriteFile(file, []byte("ShimCgroup = '/from/file'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		message proto.Message
		want    string // what is said
		fault   string // named by the error, "" for none
	}{
		"runc's": {
			message: &runcoptions.Options{SystemdCgroup: true, ShimCgroup: "/s", IoUid: 1, IoGid: 2, BinaryName: "x", Root: "/r"},
			want:    "systemd-cgroup=true shim-cgroup=/s",
		},
		"runc's, with nothing said": {message: &runcoptions.Options{BinaryName: "x"}},
		"TOML": {
			message: &runtimeoptions.Options{ConfigBody: []byte("SystemdCgroup = true\nBinaryName = 'x'\nIoUid = 7\n")},
			want:    "systemd-cgroup=true",
		},
		"options of ours":         {message: &runtimeoptions.Options{ConfigBody: []byte("AllowMachineCode = true\nhttp-queue = 7")}, want: "allow-machine-code=true http-queue=7"},
		"empty TOML":              {message: &runtimeoptions.Options{}},
		"a file":                  {message: &runtimeoptions.Options{ConfigPath: file}, want: "shim-cgroup=/from/file"},
		"a misspelt key":          {message: &runtimeoptions.Options{ConfigBody: []byte("SystemdCgroups = true")}, fault: "SystemdCgroups"},
		"a key of the wrong kind": {message: &runtimeoptions.Options{ConfigBody: []byte("SystemdCgroup = 'yes'")}, fault: "SystemdCgroup"},
		"a table nobody knows":    {message: &runtimeoptions.Options{ConfigBody: []byte("[a.b]\nc = 1")}, fault: "a"},
		"no TOML":                 {message: &runtimeoptions.Options{ConfigBody: []byte("a = = b")}, fault: "line 1"},
		"a file that is missing":  {message: &runtimeoptions.Options{ConfigPath: "/nowhere"}, fault: "ConfigPath"},
		"a directory":             {message: &runtimeoptions.Options{ConfigPath: "/"}, fault: "ConfigPath"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(marshal(t, c.message))
			switch {
			case c.fault != "" && (!errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("got %v, want an invalid argument that names %s", err, c.fault)
			case c.fault == "" && (err != nil || said(got) != c.want):
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

// TestParseTellsTypesByName: the type is told by its name, whatever stands before it.
func TestParseTellsTypesByName(t *testing.T) {
	if got, err := Parse("", nil); err != nil || got != nil {
		t.Errorf("no options: %v, %v", got, err)
	}
	if _, err := Parse("x.Y", nil); !errors.Is(err, ErrNotOptions) {
		t.Errorf("got %v", err)
	}
	name, value := marshal(t, &runcoptions.Options{SystemdCgroup: true})
	if got, err := Parse("type.googleapis.com/"+name, value); err != nil || said(got) != "systemd-cgroup=true" {
		t.Errorf("under a prefix: %v, %v", got, err)
	}
	if _, err := Parse(name, []byte{0xff}); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range []proto.Message{
		&runcoptions.Options{SystemdCgroup: true},
		&runtimeoptions.Options{ConfigBody: []byte("SystemdCgroup = true")},
	} {
		typeURL, value := marshal(f, m)
		f.Add(typeURL, value)
	}
	// What the protobuf library reads of runc's options is read the same here.
	f.Fuzz(func(t *testing.T, typeURL string, value []byte) {
		got, err := Parse(typeURL, value)
		if err != nil {
			if got != nil {
				t.Errorf("%v with %v", got, err)
			}
			if !errors.Is(err, errdefs.ErrInvalidArgument) && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%v is no invalid argument", err)
			}
			return
		}
		var o runcoptions.Options
		if !strings.HasSuffix(typeURL, runcType) || proto.Unmarshal(value, &o) != nil {
			return
		}
		if v := (settings.Host{}).With(got).Values(); v.SystemdCgroup != o.SystemdCgroup || v.ShimCgroup != o.ShimCgroup {
			t.Errorf("%+v of %v", v, &o)
		}
	})
}
