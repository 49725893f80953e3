package task

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// State answers from memory and never waits.
func (s *Service) State(_ context.Context, r *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	h, p, err := c.process(r.ExecID)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	paused := c.paused
	c.mu.Unlock()
	answer := &taskapi.StateResponse{
		ID: c.id, ExecID: r.ExecID, Bundle: c.bundle, Pid: uint32(h.pid), Status: p.state.status(),
		Stdin: h.stdin, Stdout: h.stdout, Stderr: h.stderr, Terminal: h.terminal,
	}
	if paused && answer.Status == task.Status_RUNNING {
		answer.Status = task.Status_PAUSED
	}
	if p.state == stopped {
		answer.ExitStatus = p.exit.status
		answer.ExitedAt = timestamppb.New(p.exit.at)
	}
	return answer, nil
}

// status is the state as containerd's API has it.
func (s state) status() task.Status {
	switch s {
	case created, starting:
		return task.Status_CREATED
	case running, stopping:
		return task.Status_RUNNING
	default:
		return task.Status_STOPPED
	}
}
