package launch

import (
	"fmt"
	"io"

	"wasmgo/pkg/bundle/runtimeoptions"
	"wasmgo/pkg/wire"
)

// bootstrap is what containerd wants, in either protocol.
type bootstrap struct {
	current   bool // BootstrapParams, not the older protocol
	socketDir string
	debug     bool
	// options are the runtime options as a google.protobuf.Any, nil for none.
	options []byte
}

// maxBootstrap bounds what is read from stdin, in bytes.
const maxBootstrap = 10 << 20

// logLevelDebug is LOG_LEVEL_DEBUG of BootstrapParams; what says more is lower.
const logLevelDebug = -4

func readBootstrap(stdin io.Reader, f flags) (*bootstrap, error) {
	input, err := io.ReadAll(io.LimitReader(stdin, maxBootstrap))
	if err != nil {
		return nil, fmt.Errorf("read stdin: %w", err)
	}
	boot, err := parseBootstrap(input, f)
	if err != nil {
		return nil, err
	}
	if boot.socketDir == "" {
		boot.socketDir = defaultSocketDir
	}
	return boot, nil
}

// parseBootstrap tells the protocols apart. Runtime options can decode as BootstrapParams, since both are protobuf, but not with
// the container's own id and namespace in the first two fields.
func parseBootstrap(input []byte, f flags) (*bootstrap, error) {
	var id, namespace string
	boot := &bootstrap{current: true}
	var extensions [][]byte
	err := wire.Each(input, func(p wire.Field) {
		switch { // containerd.runtime.bootstrap.v1.BootstrapParams
		case p.Is(1, wire.Delimited):
			id = string(p.Content)
		case p.Is(2, wire.Delimited):
			namespace = string(p.Content)
		case p.Is(3, wire.Varint):
			boot.debug = int32(p.Value) <= logLevelDebug
		case p.Is(8, wire.Delimited):
			extensions = append(extensions, p.Content)
		case p.Is(9, wire.Delimited):
			boot.socketDir = string(p.Content)
		}
	})
	if err == nil && id == f.id && namespace == f.namespace {
		for _, e := range extensions {
			var value []byte
			if err := wire.Each(e, func(v wire.Field) {
				if v.Is(1, wire.Delimited) {
					value = v.Content
				}
			}); err != nil {
				return nil, fmt.Errorf("bootstrap parameters: %w", err)
			}
			// Other extensions are not for us.
			if typeURL, err := anyType(value); err != nil {
				return nil, fmt.Errorf("bootstrap parameters: %w", err)
			} else if runtimeoptions.IsOptions(typeURL) {
				boot.options = value
			}
		}
		return boot, nil
	}
	typeURL, err := anyType(input)
	if err != nil {
		return nil, fmt.Errorf("stdin is neither bootstrap parameters nor runtime options: %w", err)
	}
	if typeURL == "" {
		return &bootstrap{}, nil
	}
	return &bootstrap{options: input}, nil // of whatever type: start says what is wrong with it
}

// anyType is the type in a google.protobuf.Any.
func anyType(message []byte) (string, error) {
	var typeURL string
	err := wire.Each(message, func(v wire.Field) {
		if v.Is(1, wire.Delimited) {
			typeURL = string(v.Content)
		}
	})
	return typeURL, err
}

// answer tells containerd where the shim is. Version 3 is the task API, and says that a pod's next containers may be
// sent to this shim without another start.
func (b *bootstrap) answer(w io.Writer, address string) error {
	out := []byte(address)
	if b.current { // containerd.runtime.bootstrap.v1.BootstrapResult
		out = wire.AppendNumber(nil, 1, 3)
		out = wire.AppendBytes(out, 2, []byte(address))
		out = wire.AppendBytes(out, 3, []byte("ttrpc"))
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
