package integration

import (
	"context"
	"os"
	"strings"
	"testing"
)

var dockerNetworkCases = []dockerCase{
	{"network none leaves the loopback interface alone", func(t *testing.T, d docker) {
		name := d.detached(t, nil, "/loop.wasm")
		links := d.links(t, name)
		if len(links) != 1 || !strings.Contains(links[0], " lo:") {
			t.Errorf("interfaces: %q", links)
		}
	}},
	{"network host is the daemon's own", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--network", "host"}, "/loop.wasm")
		links := strings.Join(d.links(t, name), "\n")
		if !strings.Contains(links, "docker0") {
			t.Errorf("interfaces: %q", links)
		}
	}},
	{"network bridge gives an interface with an address, on the pid that Create answered", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--network", "bridge", "--publish", "18080:80"}, "/loop.wasm")
		address := d.inspect(t, name, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
		pid := d.inspect(t, name, "{{.State.Pid}}")
		if got := nsenter(t, pid, "--net", "ip", "-oneline", "address", "show", "eth0"); address == "" || !strings.Contains(got, address) {
			t.Errorf("eth0 is %q, want the address %q", got, address)
		}
		if got := nsenter(t, pid, "--net", "ip", "route"); !strings.Contains(got, "default via") {
			t.Errorf("routes: %q", got)
		}
		if rules := d.Containerd.Netns.Run(t, "iptables-save"); !strings.Contains(rules, "18080") {
			t.Errorf("no rule for the published port in %q", rules)
		}
		d.Docker(t, "rm", "--force", name).Output(t)
		if rules := d.Containerd.Netns.Run(t, "iptables-save"); strings.Contains(rules, address) || strings.Contains(rules, "18080") {
			t.Errorf("rules are left: %s", rules)
		}
		// For the cleanup, which wants to see a container of the name.
		d.wasm(t, "create", []string{"--name", name}, "/hello.wasm").Output(t)
	}},
	{"run -it is a terminal that one can type into", func(t *testing.T, d docker) {
		typeInto(t, d.wasm(t, "run", []string{"--rm", "-it", "--network", "none"}, "/cat.wasm"))
	}},
}

// links are the interfaces that a container's process sees.
func (d docker) links(t *testing.T, name string) []string {
	t.Helper()
	out := nsenter(t, d.inspect(t, name, "{{.State.Pid}}"), "--net", "ip", "-oneline", "link")
	return strings.Split(strings.TrimSpace(out), "\n")
}

// late is a context for cleanups, when the test's own is over.
func late(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
