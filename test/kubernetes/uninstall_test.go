package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

// uninstallCases are the end of the node's life.
var uninstallCases = []testCase{
	{"the uninstaller waits for the last pod of wasmgo, and says so", func(t *testing.T, c *cluster) {
		c.kubectl(t, "delete", "-k", overlay("install"))
		if text := c.run(t, "cat", containerdConfig); text == mainConfig {
			t.Error("deleting the installer has removed wasmgo below running pods")
		}
		c.mustAnswer(t)
		c.kubectl(t, "apply", "-k", overlay("uninstall"))
		daemon.Within(t, 90*time.Second, func() error {
			stdout, stderr, err := c.try(t, "/usr/local/bin/kubectl", "-n", "wasmgo-system", "logs", "daemonset/wasmgo-uninstaller")
			if err != nil {
				return errors.New(stderr)
			}
			if !strings.Contains(stdout, "containers that are still there: k8s.io/") {
				return fmt.Errorf("no word of the containers:\n%s", stdout)
			}
			return nil
		})
		if got := c.get(t, "node/"+nodeName, `{.metadata.labels.io\.containerd\.wasmgo/installed}`); got != "" {
			t.Errorf("the node's label is still %q", got)
		}
	}},
	{"without pods it takes all away: the configuration is what it was, byte for byte", func(t *testing.T, c *cluster) {
		c.kubectl(t, "delete", "-k", overlay("web"), "--wait=true")
		// kubelet removes the containers of pods that are gone once a minute.
		c.kubectl(t, "-n", "wasmgo-system", "rollout", "status", "--timeout=90s", "daemonset/wasmgo-uninstaller")
		c.kubectl(t, "-n", "wasmgo-system", "logs", "daemonset/wasmgo-uninstaller")
		if text := c.run(t, "cat", containerdConfig); text != mainConfig {
			t.Errorf("containerd's configuration is\n%s", text)
		}
		for _, path := range []string{"/usr/local/bin/containerd-shim-wasmgo-v1", "/var/lib/wasmgo", "/etc/containerd/conf.d", containerdConfig + ".before-wasmgo"} {
			if _, err := os.Lstat(c.path(path)); err == nil {
				t.Errorf("%s is left", path)
			}
		}
		c.kubectl(t, "delete", "-k", overlay("uninstall"), "--wait=true")
	}},
	{"every command of docs/kubernetes.md has been typed", func(t *testing.T, c *cluster) {
		for _, command := range documented(t, "../../docs/kubernetes.md") {
			if !c.typed.has(command) && !slices.Contains(typedElsewhere, command) {
				t.Errorf("nothing runs %q", command)
			}
		}
	}},
	{"nothing is left of any pod", func(t *testing.T, c *cluster) {
		if err := daemon.Settle(func() error { return c.leftovers(t) }); err != nil {
			t.Error(err)
		}
	}},
}

// leftovers returns an error that names what is there of pods: processes, mounts, interfaces, rules, control groups.
func (c *cluster) leftovers(t *testing.T) error {
	t.Helper()
	var errs []error
	left := func(what, text string, marks ...string) {
		for line := range strings.Lines(text) {
			for _, mark := range marks {
				if strings.Contains(line, mark) {
					errs = append(errs, fmt.Errorf("%s left: %s", what, strings.TrimSpace(line)))
				}
			}
		}
	}
	left("process", c.run(t, "ps", "-e", "-o", "args"), "containerd-shim", "pause", "wasmgo", "runner")
	left("mount", c.run(t, "cat", "/proc/self/mounts"), "/var/lib/kubelet/pods/", "/run/containerd/io.containerd", "/run/netns/", "/run/wasmgo")
	left("interface", c.run(t, "ip", "-oneline", "link", "show", "type", "veth"), "veth")
	left("rule", c.run(t, "iptables-save"), "10.88.0.1/", "CNI-")
	for _, h := range hierarchies() {
		for _, dir := range groupsBelow(h + "/" + c.group) {
			left("control group", dir, "/pod")
		}
	}
	return errors.Join(errs...)
}
