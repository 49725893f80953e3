package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/api/types"
	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want flags
		err  error
	}{
		"serve":                   {"-namespace n -id i -address /a.sock -debug serve", flags{namespace: "n", id: "i", address: "/a.sock", debug: true, action: "serve"}, nil},
		"reclaim":                 {"-bundle /b reclaim", flags{bundle: "/b", action: "reclaim"}, nil},
		"serve without an id":     {"-namespace n serve", flags{}, errdefs.ErrInvalidArgument},
		"serve without namespace": {"-id i serve", flags{}, errdefs.ErrInvalidArgument},
		"reclaim of nothing":      {"reclaim", flags{}, errdefs.ErrInvalidArgument},
		"a flag nobody knows":     {"-nope", flags{}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseFlags(strings.Fields(c.args))
			if !errors.Is(err, c.err) || err == nil && got != c.want {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestStartedByHand(t *testing.T) {
	for _, args := range []string{"", "start", "help"} {
		err := run(strings.Fields(args), strings.NewReader(""), &bytes.Buffer{})
		if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), "containerd-shim-wasmgo-v1") {
			t.Errorf("%q: %v", args, err)
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
			if err := run([]string{"info"}, bytes.NewReader(in), &out); err != nil {
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
	if err := run([]string{"info"}, strings.NewReader("\xff"), &bytes.Buffer{}); err == nil {
		t.Error("took what is no message")
	}
}
