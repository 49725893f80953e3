package native

import (
	"context"
	"time"

	"github.com/containerd/log"
)

// lostTimeout is for runc to kill and remove one container.
const lostTimeout = 10 * time.Second

// lost cleans up after a container whose runc shim has ended before it: what containerd does when a shim of its own has. It is on
// the watcher of the peer, which awaits it.
func (s *Service) lost(c *container) {
	defer close(c.lost)
	ctx, cancel := context.WithTimeout(context.Background(), lostTimeout)
	defer cancel()
	if r := c.record.Load(); r != nil {
		if err := c.peer.cleanUp(ctx, r); err != nil {
			log.L.WithError(err).WithField("id", c.id).Errorf("something of a container is left that %s has not lived to remove", Binary)
		}
	}
	for _, x := range c.lose() {
		s.publish(topicExit, x)
	}
}
