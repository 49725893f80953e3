package shim

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/containerd/containerd/api/types"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle/runtimeoptions"
	"wasmgo/pkg/sandbox"
)

// featuresType is how containerd names the specification's features document.
const featuresType = "types.containerd.io/opencontainers/runtime-spec/1/features/Features"

// printInfo answers -info: what this runtime is and can do, given the options on stdin.
func printInfo(stdin io.Reader, stdout io.Writer) error {
	input, err := readInput(stdin)
	if err != nil {
		return err
	}
	info := &types.RuntimeInfo{Name: runtimeName, Version: &types.RuntimeVersion{}}
	if build, ok := debug.ReadBuildInfo(); ok {
		info.Version.Version = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				info.Version.Revision = s.Value
			}
		}
	}
	if len(input) > 0 {
		info.Options = &anypb.Any{}
		if err := proto.Unmarshal(input, info.Options); err != nil {
			return fmt.Errorf("runtime options on stdin: %w", err)
		}
		if _, err := runtimeoptions.Parse(info.Options.TypeUrl, info.Options.Value); err != nil {
			return err
		}
	}
	value, err := json.Marshal(supported())
	if err != nil {
		return fmt.Errorf("encode features: %w", err)
	}
	info.Features = &anypb.Any{TypeUrl: featuresType, Value: value}
	out, err := proto.Marshal(info)
	if err != nil {
		return fmt.Errorf("encode info: %w", err)
	}
	if _, err := stdout.Write(out); err != nil {
		return fmt.Errorf("print info: %w", err)
	}
	return nil
}

// supported is the specification's features document of this runtime.
func supported() *features.Features {
	yes, no := true, false
	return &features.Features{
		OCIVersionMin: "1.0.0",
		OCIVersionMax: "1.3.0",
		Hooks:         []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"},
		MountOptions:  sandbox.MountOptions(),
		Linux: &features.Linux{
			Namespaces: sandbox.Namespaces(),
			Cgroup:     &features.Cgroup{V1: &yes, V2: &yes, Systemd: &yes, SystemdUser: &no},
			Seccomp:    &features.Seccomp{Enabled: &yes},
			Apparmor:   &features.Apparmor{Enabled: &yes},
			Selinux:    &features.Selinux{Enabled: &yes},
			MountExtensions: &features.MountExtensions{
				IDMap: &features.IDMap{Enabled: &yes},
			},
		},
	}
}
