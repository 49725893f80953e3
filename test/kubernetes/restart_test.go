package kubernetes

import (
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

// webState is what tells the sample's containers from others in their place.
const webState = `{range .items[?(@.metadata.labels.app\.kubernetes\.io/name=="web")]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\n"}{end}`

// restartCases: the node's daemons come and go, pods stay.
var restartCases = []testCase{
	{"pods outlive a restart of kubelet, which knows them again", func(t *testing.T, c *cluster) {
		before := c.get(t, "pods", webState)
		load := c.load4(t)
		if err := c.kubelet.Kill(); err != nil {
			t.Fatal(err)
		}
		c.kubelet.Again(t)
		c.kubectl(t, "wait", "--for=condition=Ready", "--timeout=90s", "node/"+nodeName)
		c.kubectl(t, "wait", "--for=condition=Available", "--timeout=90s", "deployment/web")
		load.mustHaveAnswers(t, 1)
		c.mustBeAsBefore(t, before)
	}},
	{"pods outlive a containerd that is killed, and can be logged, entered and ended by the next one", func(t *testing.T, c *cluster) {
		c.pod(t, "survivor", []string{"/http_tool.wasm"})
		c.ready(t, "survivor")
		before := c.get(t, "pods", webState)
		pid := c.run(t, "cat", "/run/containerd.pid")
		load := c.load4(t)
		c.run(t, "kill", "-9", strings.TrimSpace(pid))
		daemon.Within(t, time.Minute, func() error {
			_, _, err := c.try(t, "/usr/local/bin/ctr", "version")
			return err
		})
		if now := c.run(t, "cat", "/run/containerd.pid"); now == pid {
			t.Fatalf("containerd %s has not been killed", pid)
		}
		daemon.Within(t, time.Minute, func() error {
			_, _, err := c.try(t, "/usr/local/bin/kubectl", "exec", "survivor", "--", "/args.wasm")
			return err
		})
		mustContain(t, c.kubectl(t, "logs", "survivor"), "answers HTTP at")
		load.mustHaveAnswers(t, 1)
		c.mustBeAsBefore(t, before)
	}},
	{"what ended while kubelet was away is known, and started again", func(t *testing.T, c *cluster) {
		c.pod(t, "mortal", []string{"/http_tool.wasm"}, withSpec("restartPolicy", "Always"))
		c.ready(t, "mortal")
		if err := c.kubelet.Kill(); err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(c.get(t, "pod/mortal", "{.status.containerStatuses[0].containerID}"), "//")
		c.run(t, "/usr/local/bin/ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "KILL", id)
		c.kubelet.Again(t)
		c.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=90s", "pod/mortal")
		if got := c.get(t, "pod/mortal", "{.status.containerStatuses[0].lastState.terminated.exitCode}"); got != "137" {
			t.Errorf("its exit code is %q", got)
		}
	}},
	{"a node is drained, and takes pods again afterwards", func(t *testing.T, c *cluster) {
		c.kubectl(t, "drain", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s", "node/"+nodeName)
		if left := c.get(t, "pods", `{.items[?(@.spec.nodeName)].metadata.name}`); left != "" {
			t.Errorf("pods left: %s", left)
		}
		c.kubectl(t, "uncordon", "node/"+nodeName)
		c.kubectl(t, "rollout", "status", "--timeout=90s", "deployment/web")
		c.mustAnswer(t)
	}},
}

// mustBeAsBefore fails the test if the sample's containers are others than they were, or have been started again.
func (c *cluster) mustBeAsBefore(t *testing.T, before string) {
	t.Helper()
	if after := c.get(t, "pods", webState); after != before || before == "" {
		t.Errorf("pods are\n%s, before\n%s", after, before)
	}
}
