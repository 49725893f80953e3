package task

import (
	"context"
	"os"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Connect names the shim's process and the container's init. A container that is not there yet has no init: containerd
// asks in order to find out whether the shim is alive.
func (s *Service) Connect(_ context.Context, r *taskapi.ConnectRequest) (*taskapi.ConnectResponse, error) {
	answer := &taskapi.ConnectResponse{ShimPid: uint32(os.Getpid())}
	if c, err := s.find(r.ID); err == nil {
		answer.TaskPid = uint32(c.sandbox.Pid())
	}
	return answer, nil
}
