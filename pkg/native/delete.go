package native

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/log"
)

// eventTimeout is for the event of a delete to follow its answer. It takes less than a millisecond.
const eventTimeout = 2 * time.Second

// Delete removes what is left of a container or of an exec. Of a container the answer comes when runc's shim has announced it: the
// next call may be Shutdown.
func (s *Service) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	c, err := s.await(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return s.wasm.Delete(ctx, r)
	}
	answer, err := pass[taskapi.DeleteResponse](ctx, c, "Delete", r)
	switch {
	case isLost(err) && r.ExecID == "":
		return s.deleteLost(c), nil
	case isLost(err):
		_, _, at := c.ending()
		return &taskapi.DeleteResponse{ExitStatus: statusKilled, ExitedAt: at}, nil
	case err != nil || r.ExecID != "" || !c.claim():
		return answer, err
	}
	timer := time.NewTimer(eventTimeout)
	defer timer.Stop()
	select {
	case <-c.deleted:
	case <-timer.C:
		log.L.WithField("id", c.id).Errorf("%s has not announced all there was of the container", Binary)
		for _, e := range c.giveUp() {
			s.events.Forward(e)
		}
	}
	s.remove(c)
	return answer, nil
}

// await returns the native container id, nil if there is none, when its creation is over.
func (s *Service) await(ctx context.Context, id string) (*container, error) {
	s.mu.Lock()
	c := s.containers[id]
	s.mu.Unlock()
	if c == nil {
		return nil, nil
	}
	select {
	case <-c.created:
		return s.find(id), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("container %s is being created: %w", id, ctx.Err())
	}
}

// deleteLost forgets a container that went with its runc shim, and says so in its place.
func (s *Service) deleteLost(c *container) *taskapi.DeleteResponse {
	pid, status, at := c.ending()
	if c.claim() {
		s.publish(topicDelete, &events.TaskDelete{ContainerID: c.id, Pid: pid, ExitStatus: status, ExitedAt: at})
		s.remove(c)
	}
	return &taskapi.DeleteResponse{Pid: pid, ExitStatus: status, ExitedAt: at}
}
