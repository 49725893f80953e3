package launch

import (
	"fmt"
	"io"
	"strings"
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

// optionTypes are the messages that can be runtime options: those containerd has for runc, and a file or text of TOML.
var optionTypes = []string{"containerd.runc.v1.Options", "runtimeoptions.v1.Options"}

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
	err := eachField(input, func(p field) {
		switch { // containerd.runtime.bootstrap.v1.BootstrapParams
		case p.is(1, delimited):
			id = string(p.content)
		case p.is(2, delimited):
			namespace = string(p.content)
		case p.is(3, varint):
			boot.debug = int32(p.value) <= logLevelDebug
		case p.is(8, delimited):
			extensions = append(extensions, p.content)
		case p.is(9, delimited):
			boot.socketDir = string(p.content)
		}
	})
	if err == nil && id == f.id && namespace == f.namespace {
		for _, e := range extensions {
			var value []byte
			if err := eachField(e, func(v field) {
				if v.is(1, delimited) {
					value = v.content
				}
			}); err != nil {
				return nil, fmt.Errorf("bootstrap parameters: %w", err)
			}
			// Other extensions are not for us.
			if typeURL, err := anyType(value); err != nil {
				return nil, fmt.Errorf("bootstrap parameters: %w", err)
			} else if isOptions(typeURL) {
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
	return &bootstrap{options: input}, nil // of whatever type: the shim has the words for what is wrong with it
}

// anyType is the type in a google.protobuf.Any.
func anyType(message []byte) (string, error) {
	var typeURL string
	err := eachField(message, func(v field) {
		if v.is(1, delimited) {
			typeURL = string(v.content)
		}
	})
	return typeURL, err
}

// isOptions reports whether a type is one of runtime options, whatever stands before its name.
func isOptions(typeURL string) bool {
	name := typeURL[strings.LastIndexByte(typeURL, '/')+1:]
	for _, t := range optionTypes {
		if name == t {
			return true
		}
	}
	return false
}

// answer tells containerd where the shim is. Version 3 is the task API, and says that a pod's next containers may be
// sent to this shim without another start.
func (b *bootstrap) answer(w io.Writer, address string) error {
	out := []byte(address)
	if b.current { // containerd.runtime.bootstrap.v1.BootstrapResult
		out = appendNumber(nil, 1, 3)
		out = appendBytes(out, 2, []byte(address))
		out = appendBytes(out, 3, []byte("ttrpc"))
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
