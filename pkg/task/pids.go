package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
)

// Pids lists the processes of a container as the host numbers them.
func (s *Service) Pids(_ context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	pids, err := c.sandbox.Pids()
	if err != nil {
		return nil, fmt.Errorf("list processes of container %s: %w", c.id, err)
	}
	answer := &taskapi.PidsResponse{Processes: make([]*task.ProcessInfo, 0, len(pids))}
	for _, pid := range pids {
		answer.Processes = append(answer.Processes, &task.ProcessInfo{Pid: uint32(pid)})
	}
	return answer, nil
}
