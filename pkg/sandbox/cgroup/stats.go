package cgroup

import (
	"github.com/containerd/errdefs"
)

// Stats returns the counters as *cgroup1/stats.Metrics or, on a v2 host, *cgroup2/stats.Metrics of
// github.com/containerd/cgroups/v3: what containerd, Docker and the CRI plugin take apart.
func (g *Group) Stats() (any, error) {
	return nil, errdefs.ErrNotImplemented
}
