package kubernetes

import (
	"slices"
	"strings"
	"testing"

	"wasmgo/test/daemon"
)

// testCase is one step of the course; the name is a sentence. Those of a group go on from what the one before has left.
type testCase struct {
	name string
	run  func(t *testing.T, c *cluster)
}

// TestNode goes through all that a node is asked for, in the order of its life: deploy/'s installer puts wasmgo on it, pods come and go, the
// node's daemons are restarted, it is drained, the uninstaller takes wasmgo away.
func TestNode(t *testing.T) {
	daemon.NeedRoot(t)
	c := newCluster(t)
	c.copyDeploy(t)
	c.loadPodImages(t)
	c.startMetrics(t)
	for _, stage := range []struct {
		name     string
		parallel bool
		cases    []testCase
	}{
		{"install", false, installCases},
		{"pods", true, slices.Concat(lifeCases, insideCases)},
		{"service", false, serviceCases},
		{"restart", false, restartCases},
		{"uninstall", false, uninstallCases},
	} {
		ok := t.Run(stage.name, func(t *testing.T) {
			for _, step := range stage.cases {
				t.Run(step.name, func(t *testing.T) {
					if stage.parallel {
						t.Parallel()
					}
					step.run(t, c)
				})
			}
		})
		if !ok {
			c.explain(t)
			t.FailNow() // what follows goes on from here
		}
	}
}

// explain shows how the cluster is.
func (c *cluster) explain(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"get", "nodes,pods,services,endpointslices", "-A", "-o", "wide"}, {"get", "events", "-A", "--sort-by=.lastTimestamp"}} {
		stdout, stderr, _ := c.try(t, "/usr/local/bin/kubectl", args...)
		t.Logf("%s%s", stdout, stderr)
	}
	for pod := range strings.Lines(c.kubectl(t, "get", "pods", "-A", "-o", `jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}`)) {
		namespace, name, _ := strings.Cut(strings.TrimSpace(pod), " ")
		stdout, stderr, _ := c.try(t, "/usr/local/bin/kubectl", "-n", namespace, "logs", "--all-containers", "--prefix", "--tail=20", name)
		t.Logf("%s%s", stdout, stderr)
	}
}
