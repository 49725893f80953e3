package integration

import (
	"strings"
	"testing"
)

var podExecCases = []podCase{
	{"an exec probe: another module of the container, with its exit code", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		r := c.exec(t, "/files.wasm", "read", "/etc/greet")
		if r.Code != 0 || r.Stdout != "hello" {
			t.Errorf("got %+v", r)
		}
		if r = c.exec(t, "/exit_code.wasm", "7"); r.Code == 0 {
			t.Errorf("a probe that fails: %+v", r)
		}
		mustContain(t, r.Stderr, "7")
	}},
	{"an exec probe that takes too long is ended", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		r := e.Crictl(t, "exec", "--sync", "--timeout", "1", c.id, "/loop.wasm").Run(t)
		if r.Code == 0 {
			t.Errorf("got %+v", r)
		}
		mustContain(t, strings.ToLower(r.Stderr), "deadline")
	}},
	{"exec with standard input, through CRI's streaming server", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		exec := e.Crictl(t, "exec", "--interactive", c.id, "/stdin.wasm", "read")
		exec.Stdin = strings.NewReader("typed\n")
		if r := exec.Run(t); r.Code != 0 || !strings.Contains(r.Stdout, "read: 4 type") {
			t.Errorf("got %+v", r)
		}
	}},
	{"exec in a container that shares the pod's processes", func(t *testing.T, e podEnv) {
		share := namespace("pid", nsPod)
		c := e.pod(t, share).start(t, []string{"/idle.wasm"}, share)
		if r := c.exec(t, "/args.wasm", "x"); r.Code != 0 || r.Stdout != "/args.wasm\nx" {
			t.Errorf("got %+v", r)
		}
	}},
}
