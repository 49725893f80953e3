package native

import (
	"fmt"
	"os"
	"strings"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/errdefs"
	"github.com/pelletier/go-toml/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
)

// optionsType is the name of the options that runc's shim takes.
const optionsType = "containerd.runc.v1.Options"

// tomlOptions are those of runc that may stand in our TOML under the same names. What else is in there is ours, and has been read
// and checked by package bundle.
type tomlOptions struct {
	BinaryName    string `toml:"BinaryName"`
	Root          string `toml:"Root"`
	NoPivotRoot   bool   `toml:"NoPivotRoot"`
	NoNewKeyring  bool   `toml:"NoNewKeyring"`
	ShimCgroup    string `toml:"ShimCgroup"`
	IoUID         uint32 `toml:"IoUid"`
	IoGID         uint32 `toml:"IoGid"`
	SystemdCgroup bool   `toml:"SystemdCgroup"`
	CriuImagePath string `toml:"CriuImagePath"`
	CriuWorkPath  string `toml:"CriuWorkPath"`
}

// runcOptions are the options that came with a Create as runc's shim takes them. Whoever writes a systemd path for the control group
// means systemd, also if it could not say so in an option.
func runcOptions(given *anypb.Any, b *bundle.Bundle) (*anypb.Any, error) {
	o := &runcoptions.Options{}
	switch name := given.GetTypeUrl()[strings.LastIndexByte(given.GetTypeUrl(), '/')+1:]; name {
	case "":
	case optionsType:
		if err := proto.Unmarshal(given.Value, o); err != nil {
			return nil, fmt.Errorf("runtime options %s: %w: %w", given.TypeUrl, err, errdefs.ErrInvalidArgument)
		}
	case "runtimeoptions.v1.Options":
		t, err := parseTOML(given.Value)
		if err != nil {
			return nil, fmt.Errorf("runtime options: %w", err)
		}
		o = &runcoptions.Options{
			BinaryName: t.BinaryName, Root: t.Root, NoPivotRoot: t.NoPivotRoot, NoNewKeyring: t.NoNewKeyring, ShimCgroup: t.ShimCgroup,
			IoUid: t.IoUID, IoGid: t.IoGID, SystemdCgroup: t.SystemdCgroup, CriuImagePath: t.CriuImagePath, CriuWorkPath: t.CriuWorkPath,
		}
	default:
		return nil, fmt.Errorf("runtime options of type %q: %w", given.TypeUrl, errdefs.ErrInvalidArgument)
	}
	o.SystemdCgroup = o.SystemdCgroup || b.SystemdCgroup()
	value, err := proto.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("options for runc: %w", err)
	}
	return &anypb.Any{TypeUrl: optionsType, Value: value}, nil
}

// parseTOML reads the TOML, or the file of it, in a message runtimeoptions.v1.Options.
func parseTOML(message []byte) (t tomlOptions, err error) {
	var o runtimeoptions.Options
	if err := proto.Unmarshal(message, &o); err != nil {
		return t, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	body := o.ConfigBody
	if o.ConfigPath != "" {
		if body, err = os.ReadFile(o.ConfigPath); err != nil {
			return t, fmt.Errorf("ConfigPath: %w", err)
		}
	}
	if err := toml.Unmarshal(body, &t); err != nil {
		return t, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	return t, nil
}
