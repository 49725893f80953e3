// Package runtimeoptions decodes what containerd's runtime configuration says of a runtime into [bundle.Options]. It is apart from
// package bundle because the decoders, protobuf and TOML, take longer to come up than a launcher has.
package runtimeoptions

import (
	"errors"
	"fmt"
	"os"
	"strings"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/errdefs"
	"github.com/pelletier/go-toml/v2"
	"google.golang.org/protobuf/proto"

	"wasmgo/pkg/bundle"
)

// tomlOptions is bundle.Options as TOML, and the options of runc that mean nothing here: they are taken and passed over.
type tomlOptions struct {
	SystemdCgroup bool   `toml:"SystemdCgroup"`
	ShimCgroup    string `toml:"ShimCgroup"`
	IoUID         uint32 `toml:"IoUid"`
	IoGID         uint32 `toml:"IoGid"`

	AllowMachineCode bool `toml:"AllowMachineCode"`

	BinaryName    any `toml:"BinaryName"`
	Root          any `toml:"Root"`
	NoPivotRoot   any `toml:"NoPivotRoot"`
	NoNewKeyring  any `toml:"NoNewKeyring"`
	CriuPath      any `toml:"CriuPath"`
	CriuImagePath any `toml:"CriuImagePath"`
	CriuWorkPath  any `toml:"CriuWorkPath"`
	TypeURL       any `toml:"TypeUrl"`
}

// maxFile bounds an options file in bytes.
const maxFile = 1 << 20

// Parse reads the runtime options behind a protobuf Any: containerd.runc.v1.Options, or runtimeoptions.v1.Options,
// which holds TOML or the path of a TOML file. No options at all, an empty typeURL, are the zero value. Errors are
// errdefs.ErrInvalidArgument and name the option.
func Parse(typeURL string, value []byte) (bundle.Options, error) {
	name := typeURL[strings.LastIndexByte(typeURL, '/')+1:]
	switch {
	case typeURL == "":
		return bundle.Options{}, nil
	case name == string((*runcoptions.Options)(nil).ProtoReflect().Descriptor().FullName()):
		var o runcoptions.Options
		if err := proto.Unmarshal(value, &o); err != nil {
			return bundle.Options{}, fmt.Errorf("runtime options %s: %w: %w", typeURL, err, errdefs.ErrInvalidArgument)
		}
		return bundle.Options{SystemdCgroup: o.SystemdCgroup, ShimCgroup: o.ShimCgroup, IoUid: o.IoUid, IoGid: o.IoGid}, nil
	case name == string((*runtimeoptions.Options)(nil).ProtoReflect().Descriptor().FullName()):
		var o runtimeoptions.Options
		if err := proto.Unmarshal(value, &o); err != nil {
			return bundle.Options{}, fmt.Errorf("runtime options %s: %w: %w", typeURL, err, errdefs.ErrInvalidArgument)
		}
		return parseFileOrBody(&o)
	}
	return bundle.Options{}, fmt.Errorf("runtime options of type %q: %w", typeURL, ErrNotOptions)
}

// ErrNotOptions is the error of a message that is no runtime options at all. It is an errdefs.ErrInvalidArgument.
var ErrNotOptions = fmt.Errorf("not runtime options: %w", errdefs.ErrInvalidArgument)

func parseFileOrBody(o *runtimeoptions.Options) (bundle.Options, error) {
	if o.ConfigPath == "" {
		out, err := parseTOML(o.ConfigBody)
		if err != nil {
			return bundle.Options{}, fmt.Errorf("runtime options: %w", err)
		}
		return out, nil
	}
	info, err := os.Stat(o.ConfigPath)
	if err != nil {
		return bundle.Options{}, fmt.Errorf("runtime option ConfigPath: %w: %w", err, errdefs.ErrInvalidArgument)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return bundle.Options{}, fmt.Errorf("runtime option ConfigPath %s is not a file of at most %d bytes: %w",
			o.ConfigPath, maxFile, errdefs.ErrInvalidArgument)
	}
	body, err := os.ReadFile(o.ConfigPath)
	if err != nil {
		return bundle.Options{}, fmt.Errorf("runtime option ConfigPath: %w", err)
	}
	out, err := parseTOML(body)
	if err != nil {
		return bundle.Options{}, fmt.Errorf("runtime options in %s: %w", o.ConfigPath, err)
	}
	return out, nil
}

func parseTOML(body []byte) (bundle.Options, error) {
	var o tomlOptions
	err := toml.NewDecoder(strings.NewReader(string(body))).DisallowUnknownFields().Decode(&o)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		key := strings.Join(strict.Errors[0].Key(), ".")
		return bundle.Options{}, fmt.Errorf("no such option %s: %w", key, errdefs.ErrInvalidArgument)
	}
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := bad.Position()
		return bundle.Options{}, fmt.Errorf("line %d, option %s: %w: %w", row, strings.Join(bad.Key(), "."), err, errdefs.ErrInvalidArgument)
	}
	if err != nil {
		return bundle.Options{}, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	return bundle.Options{
		SystemdCgroup: o.SystemdCgroup, ShimCgroup: o.ShimCgroup, IoUid: o.IoUID, IoGid: o.IoGID, AllowMachineCode: o.AllowMachineCode,
	}, nil
}
