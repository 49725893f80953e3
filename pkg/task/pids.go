package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
)

// Pids lists the processes of a container as the host numbers them. One that has ended names the init it had: a restarting
// containerd takes a shim without processes for a leaked one and deletes its task (core/runtime/v2/shim_load.go), and the
// exit status of a container that ended meanwhile would go with it.
func (s *Service) Pids(_ context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	pids, err := c.sandbox.Pids()
	if err != nil {
		return nil, fmt.Errorf("list processes of container %s: %w", c.id, err)
	}
	if len(pids) == 0 {
		init, _, err := c.process("")
		if err != nil {
			return nil, err
		}
		pids = []int{init.pid}
	}
	answer := &taskapi.PidsResponse{Processes: make([]*task.ProcessInfo, 0, len(pids))}
	for _, pid := range pids {
		answer.Processes = append(answer.Processes, &task.ProcessInfo{Pid: uint32(pid)})
	}
	return answer, nil
}
