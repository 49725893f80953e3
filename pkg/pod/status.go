package pod

import (
	"context"
	"encoding/json"
	"fmt"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The states of a pod as CRI has them (PodSandboxState); it takes no other text.
const (
	stateReady    = "SANDBOX_READY"
	stateNotReady = "SANDBOX_NOTREADY"
)

// information is what a verbose status says, under names that containerd's own sandboxer has.
type information struct {
	Pid    int    `json:"pid"`
	Status string `json:"processStatus"`
}

// SandboxStatus answers from memory and never waits.
func (s *Service) SandboxStatus(_ context.Context, r *sandboxapi.SandboxStatusRequest) (*sandboxapi.SandboxStatusResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	answer := &sandboxapi.SandboxStatusResponse{SandboxID: p.id, State: stateNotReady}
	info := information{Status: "created"}
	p.mu.Lock()
	if p.pause != nil {
		answer.Pid, answer.CreatedAt = uint32(p.pause.Pid()), timestamppb.New(p.created)
		answer.State, info = stateReady, information{Pid: p.pause.Pid(), Status: "running"}
	}
	if p.closed {
		answer.State, answer.ExitedAt = stateNotReady, timestamppb.New(p.exit.At)
		info.Status = "stopped"
	}
	p.mu.Unlock()
	if r.Verbose {
		body, err := json.Marshal(info)
		if err != nil {
			return nil, fmt.Errorf("status of sandbox %s: %w", p.id, err)
		}
		answer.Info = map[string]string{"info": string(body)}
	}
	return answer, nil
}
