package launch

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types"
	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeapi "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/bundle/runtimeoptions"
	"wasmgo/pkg/programs"
)

func TestFlags(t *testing.T) {
	full := "-namespace n -address /a.sock -publish-binary /bin/containerd -id i -debug"
	for name, c := range map[string]struct {
		args string
		want flags
		err  error
	}{
		"as containerd starts a shim": {full + " start", flags{namespace: "n", id: "i", address: "/a.sock", debug: true, action: "start"}, nil},
		"as containerd deletes one":   {full + " -bundle /b delete", flags{namespace: "n", id: "i", address: "/a.sock", debug: true, bundle: "/b", action: "delete"}, nil},
		"the version":                 {"-v", flags{version: true}, nil},
		"information":                 {"-info", flags{info: true}, nil},
		"no namespace":                {"-id i start", flags{}, errdefs.ErrInvalidArgument},
		"no id":                       {"-namespace n start", flags{}, errdefs.ErrInvalidArgument},
		"an id that is a path":        {"-namespace n -id ../i start", flags{}, errdefs.ErrInvalidArgument},
		"a flag nobody knows":         {"-nope", flags{}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseFlags(strings.Fields(c.args))
			if !errors.Is(err, c.err) || err == nil && got != c.want {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestParseBootstrap(t *testing.T) {
	f := flags{id: "i", namespace: "n"}
	sockets := "/s"
	options := pack(t, &runcoptions.Options{ShimCgroup: "/c"})
	other := pack(t, &types.Mount{})
	params := func(extensions ...*anypb.Any) []byte {
		p := &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n", SocketDir: &sockets, LogLevel: bootapi.LogLevel_LOG_LEVEL_DEBUG}
		for _, e := range extensions {
			if err := p.AddExtension(e); err != nil {
				t.Fatal(err)
			}
		}
		return marshal(t, p)
	}
	current := bootstrap{current: true, socketDir: "/s", debug: true}
	withOptions := current
	withOptions.options = marshal(t, options)
	someoneElse := marshal(t, &bootapi.BootstrapParams{InstanceID: "j", Namespace: "n"})
	for name, c := range map[string]struct {
		input []byte
		want  bootstrap
		err   error
	}{
		"parameters":                       {params(), current, nil},
		"parameters with options":          {params(options), withOptions, nil},
		"an extension for somebody else":   {params(other), current, nil},
		"an extension that is no message":  {append(params(), 8<<3|2, 1, 0xff), bootstrap{}, errdefs.ErrInvalidArgument},
		"nothing":                          {nil, bootstrap{}, nil},
		"options alone":                    {marshal(t, options), bootstrap{options: marshal(t, options)}, nil},
		"parameters of another container":  {someoneElse, bootstrap{options: someoneElse}, nil}, // the shim will say that these are no options
		"bytes that are no message":        {[]byte{0xff}, bootstrap{}, errdefs.ErrInvalidArgument},
		"a message that is cut off":        {params()[:10], bootstrap{}, errdefs.ErrInvalidArgument},
		"a log level that tells less":      {marshal(t, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n", LogLevel: 8}), bootstrap{current: true}, nil},
		"a field that is not known today":  {append(marshal(t, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n"}), 99<<3&0x7f|0x80, 6, 1), bootstrap{current: true}, nil},
		"numbers of fixed size among them": {append(marshal(t, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n"}), 12<<3|5, 1, 2, 3, 4, 13<<3|1, 1, 2, 3, 4, 5, 6, 7, 8), bootstrap{current: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseBootstrap(c.input, f)
			if !errors.Is(err, c.err) || err == nil && !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

// FuzzBootstrap: what the protobuf library can read is read the same here.
func FuzzBootstrap(f *testing.F) {
	f.Add(marshal(f, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n"}))
	f.Add(marshal(f, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n", LogLevel: -8, Extensions: []*bootapi.Extension{{Value: pack(f, &runcoptions.Options{})}}}))
	f.Add(marshal(f, pack(f, &runcoptions.Options{SystemdCgroup: true})))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, input []byte) {
		boot, err := parseBootstrap(input, flags{id: "i", namespace: "n"})
		if (boot == nil) == (err == nil) {
			t.Errorf("%v with %v", boot, err)
		}
		var params bootapi.BootstrapParams
		if proto.Unmarshal(input, &params) != nil || params.InstanceID != "i" || params.Namespace != "n" || err != nil && slices.ContainsFunc(input, isGroup) {
			return
		}
		if err != nil || !boot.current || boot.socketDir != params.GetSocketDir() || boot.debug != (params.LogLevel <= bootapi.LogLevel_LOG_LEVEL_DEBUG) {
			t.Fatalf("%+v, %v of %v", boot, err, &params)
		}
		for _, e := range params.Extensions {
			if runtimeoptions.IsOptions(e.GetValue().GetTypeUrl()) && boot.options == nil {
				t.Errorf("the options of %v are passed over", &params)
			}
		}
	})
}

// isGroup reports whether a byte could begin a group, which is a thing of the past that the library still reads.
func isGroup(b byte) bool { return b&7 == 3 || b&7 == 4 }

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	out, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswer(t *testing.T) {
	var out strings.Builder
	if err := (&bootstrap{current: true}).answer(&out, "unix:///s"); err != nil {
		t.Fatal(err)
	}
	var result bootapi.BootstrapResult
	want := &bootapi.BootstrapResult{Version: 3, Protocol: "ttrpc", Address: "unix:///s"}
	if err := proto.Unmarshal([]byte(out.String()), &result); err != nil || !proto.Equal(&result, want) {
		t.Errorf("got %v, %v, want %v", &result, err, want)
	}
	out.Reset()
	if err := (&bootstrap{}).answer(&out, "unix:///s"); err != nil || out.String() != "unix:///s" {
		t.Errorf("to an older containerd: %q, %v", out.String(), err)
	}
}

// TestRemove is delete where a shim has left nothing to reclaim. The rest is tested with a shim (package shim).
func TestRemove(t *testing.T) {
	for name, c := range map[string]struct {
		exit *bundle.Exit
		want *taskapi.DeleteResponse
	}{
		"an exit on record": {
			&bundle.Exit{Pid: 70000, Status: 7, At: time.Unix(1<<37, 5)},
			&taskapi.DeleteResponse{Pid: 70000, ExitStatus: 7, ExitedAt: timestamppb.New(time.Unix(1<<37, 5))},
		},
		"an exit with status 0": {
			&bundle.Exit{Pid: 1, At: time.Unix(5, 0)},
			&taskapi.DeleteResponse{Pid: 1, ExitedAt: timestamppb.New(time.Unix(5, 0))},
		},
		"no exit": {nil, &taskapi.DeleteResponse{ExitStatus: 137}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.exit != nil {
				if err := bundle.WriteExit(dir, *c.exit); err != nil {
					t.Fatal(err)
				}
			}
			stale := filepath.Join(dir, "socket")
			for path, content := range map[string]string{stale: "", filepath.Join(dir, addressName): "unix://" + stale} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := time.Now()
			var out strings.Builder
			l := launcher{noArchive, strings.NewReader(""), &out}
			if err := l.run(strings.Fields("-namespace n -id i -bundle " + dir + " delete")); err != nil {
				t.Fatal(err)
			}
			var got taskapi.DeleteResponse
			if err := proto.Unmarshal([]byte(out.String()), &got); err != nil {
				t.Fatal(err)
			}
			if c.exit == nil {
				if at := got.ExitedAt.AsTime(); at.Before(before) || at.After(time.Now()) {
					t.Errorf("ended at %v", at)
				}
				got.ExitedAt = nil
			}
			if !proto.Equal(&got, c.want) {
				t.Errorf("got %v, want %v", &got, c.want)
			}
			if _, err := os.Lstat(stale); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the socket of the dead shim: %v", err)
			}
		})
	}
}

func noArchive() (io.ReadCloser, error) { return nil, fs.ErrNotExist }

func TestLauncherWithoutPrograms(t *testing.T) {
	t.Setenv(programs.Variable, "")
	t.Setenv("WASMGO_ROOT", t.TempDir())
	for _, args := range []string{"", "cache ls", "--help", "-info"} {
		err := launcher{noArchive, strings.NewReader(""), io.Discard}.run(strings.Fields(args))
		if !errors.Is(err, programs.ErrNone) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestStartNamesWhatIsWrongWithSettings: nothing is started with settings or options that cannot be read.
func TestStartNamesWhatIsWrongWithSettings(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	t.Chdir(t.TempDir())
	t.Setenv("WASMGO_CONFIG_FILE", config)
	for name, c := range map[string]struct {
		file    string
		options []byte
		want    string
	}{
		"a file":                {"rooot = '/x'", nil, config + ", line 1: no such setting: \"rooot\"; did you mean root?"},
		"options of the shim":   {"", marshal(t, pack(t, &runtimeapi.Options{ConfigBody: []byte("log-level = 'loud'")})), "runtime options, line 1: log-level: value \"loud\": want one of"},
		"options of no runtime": {"", marshal(t, pack(t, &types.Mount{})), "not runtime options"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(config, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			l := launcher{noArchive, strings.NewReader(string(c.options)), io.Discard}
			err := l.run(strings.Fields("-namespace n -id i start"))
			if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestActionNobodyKnows(t *testing.T) {
	err := launcher{noArchive, strings.NewReader(""), io.Discard}.run(strings.Fields("-namespace n -id i serve"))
	if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), `"serve"`) {
		t.Errorf("got %v", err)
	}
}

func TestVersion(t *testing.T) {
	var out strings.Builder
	l := launcher{noArchive, strings.NewReader(""), &out}
	if err := l.run([]string{"-v"}); err != nil || !strings.Contains(out.String(), "Go version: go1") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s", "socket")
	first, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if second, err := listen(path); second != nil || err != nil {
		t.Errorf("while it is served: %v, %v, want nothing to serve on", second, err)
	}
	first.Close()
	third, err := listen(path)
	if err != nil || third == nil {
		t.Fatalf("when its shim is dead: %v, %v", third, err)
	}
	third.Close()
	if _, err := listen(filepath.Join(t.TempDir(), strings.Repeat("x", 108))); err == nil {
		t.Error("bound a path that is too long for a socket")
	}
}

func TestSocketAddress(t *testing.T) {
	f := flags{namespace: "n", address: "/c.sock"}
	a := socketAddress(defaultSocketDir, f, "g")
	if len(socketPath(a)) > 107 { // unix(7)
		t.Errorf("%s is too long for a socket", a)
	}
	for name, b := range map[string]string{
		"another group":     socketAddress(defaultSocketDir, f, "h"),
		"another namespace": socketAddress(defaultSocketDir, flags{namespace: "m", address: "/c.sock"}, "g"),
		"another daemon":    socketAddress(defaultSocketDir, flags{namespace: "n", address: "/d.sock"}, "g"),
		"a shifted border":  socketAddress(defaultSocketDir, flags{namespace: "n\x00g"[:1], address: "/c.sock\x00n"}, "g"),
	} {
		if a == b {
			t.Errorf("%s has the same socket", name)
		}
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	out, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
