package integration

import (
	"io"
	"net"
	"strings"
	"testing"
)

// serves starts an echo server for n connections on a port of the pod.
func (p *pod) serves(t *testing.T, address, port, n string) *podContainer {
	t.Helper()
	c := p.start(t, []string{"/c_net.wasm", "serve", address, port, n})
	c.await(t, "listening on "+port)
	return c
}

var podNetworkCases = []podCase{
	{"containers of a pod reach each other over its loopback", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		server := p.serves(t, "127.0.0.1", "7000", "1")
		client := p.start(t, []string{"/c_net.wasm", "connect", "127.0.0.1", "7000"}, func(o object) { delete(o, "stdin") })
		if a, b := server.wait(t).ExitCode, client.wait(t).ExitCode; a != 0 || b != 0 {
			t.Errorf("exit codes %d and %d", a, b)
		}
	}},
	{"a pod reaches another by its address", func(t *testing.T, e podEnv) {
		p, q := e.pod(t), e.pod(t)
		server := p.serves(t, "0.0.0.0", "7000", "1")
		code, _, stderr := q.run(t, []string{"/c_net.wasm", "connect", p.address(t), "7000"}, func(o object) { delete(o, "stdin") })
		if got := server.wait(t).ExitCode; code != 0 || got != 0 {
			t.Errorf("exit codes %d and %d: %s", code, got, stderr)
		}
	}},
	{"a port of the pod is published on the node", func(t *testing.T, e podEnv) {
		p := e.pod(t, func(o object) {
			o["port_mappings"] = []object{{"protocol": 0, "container_port": 7000, "host_port": 17000}}
		})
		p.serves(t, "0.0.0.0", "7000", "1")
		conn, err := e.Containerd.Netns.Dial("tcp", "10.88.0.1:17000")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "to the pod and back"); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); err != nil || string(got) != "to the pod and back" {
			t.Errorf("got %q, %v", got, err)
		}
	}},
	{"an annotation of the pod denies its containers the network", func(t *testing.T, e podEnv) {
		p := e.pod(t, func(o object) { o["annotations"] = object{"io.containerd.wasmgo.deny": "tcp"} })
		code, _, stderr := p.run(t, []string{"/c_net.wasm", "serve", "127.0.0.1", "7000", "0"})
		if code == 0 || !strings.Contains(stderr, "Permission denied") {
			t.Errorf("exit code %d, %q", code, stderr)
		}
	}},
	{"the pod's names and servers of names are in its containers", func(t *testing.T, e podEnv) {
		p := e.pod(t, func(o object) {
			o["dns_config"] = object{"servers": []string{"10.1.2.3"}, "searches": []string{"svc.cluster.local"}}
		})
		_, stdout, stderr := p.run(t, []string{"/files.wasm", "read", "/etc/resolv.conf", "read", "/etc/hostname"})
		mustContain(t, stdout+stderr, "nameserver 10.1.2.3", "search svc.cluster.local", "pod.example")
	}},
}
