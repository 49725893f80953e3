package native

import (
	"context"
	"os"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Connect answers with the numbers of this shim, which is the one that containerd is connected to, and of the container's init.
func (s *Service) Connect(ctx context.Context, r *taskapi.ConnectRequest) (*taskapi.ConnectResponse, error) {
	c := s.find(r.ID)
	if c == nil {
		return s.wasm.Connect(ctx, r)
	}
	pid, _, _ := c.ending()
	return &taskapi.ConnectResponse{ShimPid: uint32(os.Getpid()), TaskPid: pid}, nil
}
