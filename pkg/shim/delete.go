package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/sandbox"
	"wasmgo/pkg/task"
)

const (
	// statusKilled is the exit status of a container whose own nobody knows: it was killed with its shim.
	statusKilled = 128 + 9
	// removeTimeout leaves containerd some of its 5 s.
	removeTimeout = 4 * time.Second
)

// remove is the action delete: containerd calls it when the connection to a shim has ended, for each of its containers,
// also after an orderly Shutdown. The bundle is -bundle, or the working directory. What cannot be removed is printed on
// stderr, and the answer is given all the same, or the container would stay for ever.
func remove(f flags, stdout io.Writer) error {
	dir := f.bundle
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		dir = filepath.Join(filepath.Dir(dir), f.id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	// Before Reclaim removes what knows it: the events containerd sends in the shim's place carry it.
	pid, pidErr := sandbox.InitPid(dir)
	if err := errors.Join(pidErr, task.Reclaim(ctx, dir), removeSocket(dir)); err != nil {
		fmt.Fprintf(os.Stderr, "delete %s: %s\n", f.id, err)
	}
	x, err := bundle.ReadExit(dir)
	if err != nil {
		if !errors.Is(err, errdefs.ErrNotFound) {
			fmt.Fprintf(os.Stderr, "delete %s: %s\n", f.id, err)
		}
		x = bundle.Exit{Pid: pid, Status: statusKilled, At: time.Now()}
	}
	out, err := proto.Marshal(&taskapi.DeleteResponse{Pid: uint32(x.Pid), ExitStatus: x.Status, ExitedAt: timestamppb.New(x.At)})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if _, err := stdout.Write(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// removeSocket removes the socket of the bundle's shim unless the shim lives on for other containers of its group.
func removeSocket(dir string) error {
	address, err := os.ReadFile(filepath.Join(dir, addressName))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it was given to a shim that another bundle started
	}
	if err != nil {
		return fmt.Errorf("remove socket: %w", err)
	}
	path := socketPath(string(address))
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) || serving(path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove socket: %w", err)
	}
	return nil
}
