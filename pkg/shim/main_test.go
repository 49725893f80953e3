package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/api/types"
	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
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

func TestRunForPeople(t *testing.T) {
	for args, want := range map[string]string{
		"-v":      "Go version: go1",
		"-h":      "It is started by containerd, not by hand",
		"--help":  "-namespace NAME",
		"":        "-namespace NAME",
		"version": "",
	} {
		var out bytes.Buffer
		err := run(strings.Fields(args), strings.NewReader(""), &out)
		if want == "" {
			if !errors.Is(err, errdefs.ErrInvalidArgument) {
				t.Errorf("%q: %v", args, err)
			}
		} else if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %v: %s", args, err, out.String())
		}
	}
}

func TestInfo(t *testing.T) {
	options, err := anypb.New(&runcoptions.Options{SystemdCgroup: true})
	if err != nil {
		t.Fatal(err)
	}
	in, err := proto.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"with options": in, "without": nil} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run([]string{"-info"}, bytes.NewReader(in), &out); err != nil {
				t.Fatal(err)
			}
			var info types.RuntimeInfo
			if err := proto.Unmarshal(out.Bytes(), &info); err != nil || info.Name != runtimeName {
				t.Fatalf("%v, %v", &info, err)
			}
			if (info.Options != nil) != (in != nil) {
				t.Errorf("options %v", info.Options)
			}
			var f features.Features
			if err := json.Unmarshal(info.Features.Value, &f); err != nil || f.Linux == nil || len(f.Linux.Namespaces) == 0 || !slices.Contains(f.MountOptions, "rro") {
				t.Errorf("features %s, %v", info.Features.Value, err)
			}
		})
	}
	if err := run([]string{"-info"}, strings.NewReader("\xff"), &bytes.Buffer{}); err == nil {
		t.Error("took what is no message")
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

func TestParseBootstrap(t *testing.T) {
	f := flags{id: "i", namespace: "n"}
	sockets := "/s"
	options, err := anypb.New(&runcoptions.Options{ShimCgroup: "/c"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := anypb.New(&types.Mount{})
	if err != nil {
		t.Fatal(err)
	}
	broken := &anypb.Any{TypeUrl: options.TypeUrl, Value: []byte{0xff}}
	params := func(extensions ...*anypb.Any) *bootapi.BootstrapParams {
		p := &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n", SocketDir: &sockets, LogLevel: bootapi.LogLevel_LOG_LEVEL_DEBUG}
		for _, e := range extensions {
			if err := p.AddExtension(e); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	current := bootstrap{current: true, socketDir: "/s", debug: true}
	withOptions := current
	withOptions.options = bundle.Options{ShimCgroup: "/c"}
	for name, c := range map[string]struct {
		input []byte
		want  bootstrap
		err   error
	}{
		"parameters":                              {marshal(t, params()), current, nil},
		"parameters with options":                 {marshal(t, params(options)), withOptions, nil},
		"an extension for somebody else":          {marshal(t, params(other)), current, nil},
		"options that are broken":                 {marshal(t, params(broken)), bootstrap{}, errdefs.ErrInvalidArgument},
		"nothing":                                 {nil, bootstrap{}, nil},
		"options alone":                           {marshal(t, options), bootstrap{options: bundle.Options{ShimCgroup: "/c"}}, nil},
		"parameters of another container":         {marshal(t, &bootapi.BootstrapParams{InstanceID: "j", Namespace: "n"}), bootstrap{}, errdefs.ErrInvalidArgument},
		"bytes that are no message":               {[]byte{0xff}, bootstrap{}, errdefs.ErrInvalidArgument},
		"a message that is no options whatsoever": {marshal(t, other), bootstrap{}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseBootstrap(c.input, f)
			if !errors.Is(err, c.err) || err == nil && *got != c.want {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

func FuzzBootstrap(f *testing.F) {
	f.Add(marshal(f, &bootapi.BootstrapParams{InstanceID: "i", Namespace: "n"}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, input []byte) {
		boot, err := parseBootstrap(input, flags{id: "i", namespace: "n"})
		if (boot == nil) == (err == nil) {
			t.Errorf("%v with %v", boot, err)
		}
	})
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
