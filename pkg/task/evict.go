package task

import (
	"context"
	"errors"
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
	var errs []error
	for _, c := range all { // one that cannot be killed keeps none of the others alive
		if err := c.sandbox.Kill(); err != nil {
			errs = append(errs, fmt.Errorf("kill container %s: %w", c.id, err))
		} else if err := c.thawKilled(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
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
