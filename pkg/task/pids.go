package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
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
	execs := c.execPids()
	answer := &taskapi.PidsResponse{Processes: make([]*task.ProcessInfo, 0, len(pids))}
	for _, pid := range pids {
		info := &task.ProcessInfo{Pid: uint32(pid)}
		if id, ok := execs[pid]; ok {
			details, err := proto.Marshal(&options.ProcessDetails{ExecID: id})
			if err != nil {
				return nil, fmt.Errorf("encode process details: %w", err)
			}
			info.Info = &anypb.Any{TypeUrl: detailsType, Value: details}
		}
		answer.Processes = append(answer.Processes, info)
	}
	return answer, nil
}

// detailsType is how containerd's clients know what stands beside the pid of an exec.
const detailsType = "containerd.runc.v1.ProcessDetails"

// execPids are the execs that run, by pid.
func (c *container) execPids() map[int]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	pids := map[int]string{}
	for id, h := range c.handles {
		if id != "" && h.pid != 0 {
			pids[h.pid] = id
		}
	}
	return pids
}
