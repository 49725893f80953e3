package shim

import (
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle/runtimeoptions"
)

// printCgroup checks the runtime options on stdin, a google.protobuf.Any, and prints their ShimCgroup.
func printCgroup(stdin io.Reader, stdout io.Writer) error {
	input, err := readInput(stdin)
	if err != nil {
		return err
	}
	var any anypb.Any
	if err := proto.Unmarshal(input, &any); err != nil {
		return fmt.Errorf("runtime options: %w: %w", err, errdefs.ErrInvalidArgument)
	}
	o, err := runtimeoptions.Parse(any.TypeUrl, any.Value)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, o.ShimCgroup)
	return err
}
