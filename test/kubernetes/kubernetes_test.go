package kubernetes

import (
	"testing"

	"wasmgo/test/daemon"
)

func TestNode(t *testing.T) {
	daemon.NeedRoot(t)
	c := newCluster(t)
	t.Log(c.kubectl(t, "get", "nodes,pods", "-A", "-o", "wide"))
}
