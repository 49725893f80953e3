// Package runtimeoptions decodes what containerd's runtime configuration says of a runtime: the options table of a runtime in containerd's
// config.toml or dockerd's daemon.json, or what a client sends. The launcher reads them at each start of a container, so this is done without
// the libraries of protocol buffers (package wire).
package runtimeoptions

import (
	"fmt"
	"strings"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/settings"
	"wasmgo/pkg/wire"
)

// The messages that can be runtime options: those containerd has for runc, and TOML or the path of a file of TOML.
const (
	runcType    = "containerd.runc.v1.Options"
	genericType = "runtimeoptions.v1.Options"
)

// ErrNotOptions is the error of a message that is no runtime options at all. It is an errdefs.ErrInvalidArgument.
var ErrNotOptions = fmt.Errorf("not runtime options: %w", errdefs.ErrInvalidArgument)

// IsOptions reports whether a type is one of runtime options, whatever stands before its name.
func IsOptions(typeURL string) bool {
	name := typeURL[strings.LastIndexByte(typeURL, '/')+1:]
	return name == runcType || name == genericType
}

// Parse reads the runtime options behind a protobuf Any. No options at all, an empty typeURL, say nothing. Errors are
// errdefs.ErrInvalidArgument and name the option, or what keeps the file that it names from being read.
func Parse(typeURL string, value []byte) ([]settings.Said, error) {
	switch {
	case typeURL == "":
		return nil, nil
	case !IsOptions(typeURL):
		return nil, fmt.Errorf("runtime options of type %q: %w", typeURL, ErrNotOptions)
	}
	if strings.HasSuffix(typeURL, genericType) {
		return generic(value)
	}
	return runc(value)
}

// ParseAny is Parse of an encoded google.protobuf.Any.
func ParseAny(message []byte) ([]settings.Said, error) {
	var typeURL string
	var value []byte
	err := wire.Each(message, func(f wire.Field) {
		switch {
		case f.Is(1, wire.Delimited):
			typeURL = string(f.Content)
		case f.Is(2, wire.Delimited):
			value = f.Content
		}
	})
	if err != nil {
		return nil, fmt.Errorf("runtime options: %w", err)
	}
	return Parse(typeURL, value)
}

// runc reads containerd.runc.v1.Options. What it has beside these is about runc.
func runc(value []byte) (said []settings.Said, err error) {
	var group string
	systemd := false
	err = wire.Each(value, func(f wire.Field) {
		switch {
		case f.Is(3, wire.Delimited):
			group = string(f.Content)
		case f.Is(9, wire.Varint):
			systemd = f.Value != 0
		}
	})
	if err != nil {
		return nil, fmt.Errorf("runtime options: %w", err)
	}
	if group != "" {
		s, err := settings.Option("ShimCgroup", group)
		if err != nil {
			return nil, err
		}
		said = append(said, s)
	}
	if systemd {
		s, err := settings.Option("SystemdCgroup", "true")
		if err != nil {
			return nil, err
		}
		said = append(said, s)
	}
	return said, nil
}

// generic reads runtimeoptions.v1.Options.
func generic(value []byte) ([]settings.Said, error) {
	var path string
	var body []byte
	err := wire.Each(value, func(f wire.Field) {
		switch {
		case f.Is(2, wire.Delimited):
			path = string(f.Content)
		case f.Is(3, wire.Delimited):
			body = f.Content
		}
	})
	if err != nil {
		return nil, fmt.Errorf("runtime options: %w", err)
	}
	if path == "" {
		return settings.ParseOptions(body)
	}
	said, err := settings.ParseFile(path, settings.Options)
	if err != nil {
		return nil, fmt.Errorf("runtime option ConfigPath: %w", err)
	}
	return said, nil
}
