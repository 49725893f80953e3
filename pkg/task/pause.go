package task

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Pause freezes a running container.
func (s *Service) Pause(ctx context.Context, r *taskapi.PauseRequest) (*emptypb.Empty, error) {
	return s.freeze(ctx, r.ID, true)
}

// freeze pauses or resumes the container id.
func (s *Service) freeze(ctx context.Context, id string, pause bool) (*emptypb.Empty, error) {
	c, err := s.find(id)
	if err != nil {
		return nil, err
	}
	release, err := c.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := c.running(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	paused := c.paused
	c.mu.Unlock()
	var (
		act   = c.sandbox.Freeze
		topic = topicPaused
		event = proto.Message(&events.TaskPaused{ContainerID: c.id})
		what  = "pause"
	)
	if !pause {
		act, topic, event, what = c.sandbox.Thaw, topicResumed, &events.TaskResumed{ContainerID: c.id}, "resume"
	}
	if paused == pause {
		return nil, fmt.Errorf("%s container %s: it is so already: %w", what, c.id, errdefs.ErrFailedPrecondition)
	}
	if err := act(ctx); err != nil {
		return nil, fmt.Errorf("%s container %s: %w", what, c.id, err)
	}
	c.mu.Lock()
	c.paused = pause
	c.events.publish(topic, event)
	c.mu.Unlock()
	return &emptypb.Empty{}, nil
}
