package pod

import (
	"context"
	"fmt"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/sandbox/cgroup"
)

// SandboxMetrics are the counters of the pod's control group, which CRI names as the parent of its containers': all of the pod, as
// io.containerd.cgroups.v1.Metrics or v2.Metrics.
func (s *Service) SandboxMetrics(_ context.Context, r *sandboxapi.SandboxMetricsRequest) (*sandboxapi.SandboxMetricsResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	if p.config.cgroupParent == "" {
		return nil, fmt.Errorf("metrics of sandbox %s: it has no control group of its own (linux.cgroup_parent): %w", p.id, errdefs.ErrFailedPrecondition)
	}
	group, err := cgroup.Existing(p.config.cgroupParent)
	if err != nil {
		return nil, fmt.Errorf("metrics of sandbox %s: %w", p.id, err)
	}
	stats, err := group.Stats()
	if err != nil {
		return nil, fmt.Errorf("metrics of sandbox %s: %w", p.id, err)
	}
	message, ok := stats.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("metrics of sandbox %s are a %T: %w", p.id, stats, errdefs.ErrInternal)
	}
	value, err := proto.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("metrics of sandbox %s: %w", p.id, err)
	}
	return &sandboxapi.SandboxMetricsResponse{Metrics: &types.Metric{
		Timestamp: timestamppb.Now(), ID: p.id,
		// The plain name, as containerd's typeurl has it.
		Data: &anypb.Any{TypeUrl: string(message.ProtoReflect().Descriptor().FullName()), Value: value},
	}}, nil
}
