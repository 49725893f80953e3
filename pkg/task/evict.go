package task

import (
	"context"
	"fmt"
)

// Evict kills the containers of a pod and waits for their end: the pod itself ends. Whoever made them deletes them, as ever.
func (s *Service) Evict(ctx context.Context, pod string) error {
	var all []*container
	s.mu.Lock()
	for _, c := range s.containers {
		if c != nil && c.pod == pod {
			all = append(all, c)
		}
	}
	s.mu.Unlock()
	for _, c := range all {
		if err := c.sandbox.Kill(); err != nil {
			return fmt.Errorf("kill container %s: %w", c.id, err)
		}
		if err := c.thawKilled(ctx); err != nil {
			return err
		}
	}
	for _, c := range all {
		select {
		case <-c.ended:
		case <-ctx.Done():
			return fmt.Errorf("kill container %s: %w", c.id, context.Cause(ctx))
		}
	}
	return nil
}
