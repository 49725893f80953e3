package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wasmgo/pkg/native"
	"wasmgo/pkg/pod"
	"wasmgo/pkg/sandbox"
	"wasmgo/pkg/task"
)

// removeTimeout leaves containerd some of its 5 s.
const removeTimeout = 4 * time.Second

// reclaim kills and removes what is left of the container of a bundle whose shim is gone, and prints its init's number, 0 for none.
func reclaim(f flags, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	// Before Reclaim removes what knows it: the events containerd sends in the shim's place carry it.
	pid, err := sandbox.InitPid(f.bundle)
	if pid == 0 {
		var nativeErr error
		pid, nativeErr = native.InitPid(f.bundle)
		err = errors.Join(err, nativeErr)
	}
	_, werr := fmt.Fprint(stdout, pid)
	return errors.Join(err, werr, task.Reclaim(ctx, f.bundle), native.Reclaim(ctx, f.bundle), pod.Reclaim(f.bundle))
}
