package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Stats answers with io.containerd.cgroups.v1.Metrics or v2.Metrics, as the host's cgroups are.
func (s *Service) Stats(_ context.Context, r *taskapi.StatsRequest) (*taskapi.StatsResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	stats, err := c.sandbox.Stats()
	if err != nil {
		return nil, fmt.Errorf("stats of container %s: %w", c.id, err)
	}
	message, ok := stats.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("stats of container %s are a %T: %w", c.id, stats, errdefs.ErrInternal)
	}
	packed, err := pack(message)
	if err != nil {
		return nil, fmt.Errorf("stats of container %s: %w", c.id, err)
	}
	return &taskapi.StatsResponse{Stats: packed}, nil
}

// pack wraps a message under its plain name, as containerd's typeurl does: without the prefix of anypb.New.
func pack(m proto.Message) (*anypb.Any, error) {
	value, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	return &anypb.Any{TypeUrl: string(m.ProtoReflect().Descriptor().FullName()), Value: value}, nil
}
