package native

import (
	"context"
	"errors"
)

// Evict kills the containers of a pod, of both kinds, and waits for their end.
func (s *Service) Evict(ctx context.Context, pod string) error {
	errs := []error{s.wasm.Evict(ctx, pod)}
	s.mu.Lock()
	var all []*container
	for _, c := range s.containers {
		if c.pod == pod {
			all = append(all, c)
		}
	}
	s.mu.Unlock()
	for _, c := range all {
		errs = append(errs, c.kill(ctx))
	}
	return errors.Join(errs...)
}
