package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shellSession is what is typed into a shell at a terminal, by whatever client, and what is shown then.
func shellSession(t *testing.T, w *window, prompt string) {
	t.Helper()
	w.typed(t, "", prompt)
	w.typed(t, "echo $((6*7)); cat /etc/greet\n", "42\r\nhello\r\n")
	w.typed(t, "echo one; sleep 1000\n", "one\r\n")
	w.typed(t, "\x03", "^C")
	w.typed(t, "echo code $?\n", "code 130\r\n")
	w.typed(t, "echo $COLUMNS; ls -d /etc /tmp\n", "/etc  /tmp\r\n")
	w.typed(t, "exit 7\n", "")
}

var dockerToolboxCases = []dockerCase{
	{"docker exec -it: a shell in a container that has none", func(t *testing.T, d docker) {
		hasTools(t, d.Containerd)
		name := d.detached(t, nil, "/loop.wasm")
		w := openWindow(t, d.Docker(t, "exec", "--interactive", "--tty", name, "sh").Prepare(t.Context()), func(f func() error) error { return f() })
		shellSession(t, w, "/work # ")
		if code := w.end(t); code != 7 {
			t.Errorf("exit code %d", code)
		}
	}},
	{"docker exec: tools with variables, directory, user and standard input", func(t *testing.T, d docker) {
		hasTools(t, d.Containerd)
		name := d.detached(t, []string{"--volume", t.TempDir() + ":/data"}, "/loop.wasm")
		for _, c := range []struct {
			flags []string
			stdin string
			args  []string
			code  int
			out   string
		}{
			{[]string{"-e", "COLOUR=red", "-w", "/etc"}, "", []string{"sh", "-c", "echo $COLOUR; pwd; cat greet"}, 0, "red\n/etc\nhello\n"},
			{[]string{"-u", "1000:50"}, "", []string{"sh", "-c", "id; touch /etc/x 2>/dev/null || echo no"}, 0, "uid=1000 gid=50 groups=50\nno\n"},
			{[]string{"-i"}, "one\ntwo\n", []string{"grep", "-c", "o"}, 0, "2\n"},
			{[]string{"-i"}, "echo from a script; exit 3\n", []string{"sh"}, 3, "from a script\n"},
			{[]string{"-i"}, strings.Repeat("0123456789abcde\n", 1<<18), []string{"wc", "-c"}, 0, "4194304\n"},
			{nil, "", []string{"test", "-e", "/nothing"}, 1, ""},
			{nil, "", []string{"sh", "-c", "echo x > /data/f && cat /data/f"}, 0, "x\n"},
			{nil, "", []string{"hostname"}, 0, strings.TrimSpace(d.inspect(t, name, "{{.Config.Hostname}}")) + "\n"},
		} {
			cmd := d.Docker(t, append(append([]string{"exec"}, c.flags...), append([]string{name}, c.args...)...)...)
			cmd.Stdin = strings.NewReader(c.stdin)
			if got := cmd.Run(t); got.Code != c.code || got.Stdout != c.out {
				t.Errorf("%q: %+v, want %d and %q", c.args, got, c.code, c.out)
			}
		}
	}},
	{"a health check by a shell's command line", func(t *testing.T, d docker) {
		hasTools(t, d.Containerd)
		name := d.detached(t, []string{"--health-cmd", "test -e /tmp/healthy || { touch /tmp/healthy; exit 1; }", "--health-interval", "1s", "--health-timeout", "30s", "--health-retries", "10"}, "/loop.wasm")
		d.await(t, name, "{{.State.Health.Status}}", "healthy")
	}},
	{"docker cp into a container and out of it, and what tools see of it", func(t *testing.T, d docker) {
		hasTools(t, d.Containerd)
		name := d.detached(t, nil, "/loop.wasm")
		file := filepath.Join(t.TempDir(), "from")
		writeFile(t, file, []byte("copied\n"))
		d.Docker(t, "cp", file, name+":/tmp/in").Output(t)
		d.Docker(t, "exec", name, "sh", "-c", "cat /tmp/in > /tmp/out; echo more >> /tmp/out").Output(t)
		d.Docker(t, "cp", name+":/tmp/out", file).Output(t)
		if got, err := os.ReadFile(file); err != nil || string(got) != "copied\nmore\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}},
	{"twenty docker execs at once", func(t *testing.T, d docker) {
		hasTools(t, d.Containerd)
		name := d.detached(t, nil, "/loop.wasm")
		var all sync.WaitGroup
		for i := range 20 {
			cmd := d.Docker(t, "exec", name, "sh", "-c", fmt.Sprintf("seq 1 %d | tail -n 1; exit %d", i+1, i))
			all.Go(func() {
				if got := cmd.Run(t); got.Code != i || got.Stdout != fmt.Sprintln(i+1) {
					t.Errorf("exec %d: %+v", i, got)
				}
			})
		}
		all.Wait()
	}},
	{"with the toolbox off by an annotation docker exec says what it always said", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--annotation", "io.containerd.wasmgo.toolbox=off"}, "/loop.wasm")
		if got := d.Docker(t, "exec", name, "sh").Run(t); got.Code != 127 || !strings.Contains(got.Stderr, "sh was not found along PATH") {
			t.Errorf("got %+v", got)
		}
	}},
}

var podToolboxCases = []podCase{
	{"crictl exec -it: a shell in a container that has none", func(t *testing.T, e podEnv) {
		hasTools(t, e.Containerd)
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		w := e.window(t, "exec", "--interactive", "--tty", c.id, "sh")
		shellSession(t, w, "/ # ")
		if code := w.end(t); code == 0 { // crictl's own: 1 for any
			t.Errorf("exit code %d", code)
		}
	}},
	{"exec probes by tools", func(t *testing.T, e podEnv) {
		hasTools(t, e.Containerd)
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		if r := c.exec(t, "cat", "/tmp/healthy"); r.Code == 0 {
			t.Errorf("before it is healthy: %+v", r)
		}
		if r := c.exec(t, "/bin/sh", "-c", "touch /tmp/healthy && echo $?"); r.Code != 0 || r.Stdout != "0" {
			t.Errorf("touch: %+v", r)
		}
		if r := c.exec(t, "cat", "/tmp/healthy"); r.Code != 0 {
			t.Errorf("when it is healthy: %+v", r)
		}
	}},
}

// ctrToolboxCases are by ctr.
var ctrToolboxCases = []testCase{
	{"ctr tasks exec runs a tool", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		if got := e.Ctr(t, "tasks", "exec", "--exec-id", "x", c.ID(), "sh", "-c", "cat /etc/greet; exit 9").Run(t); got.Code != 9 || got.Stdout != "hello\n" {
			t.Errorf("got %+v", got)
		}
	}},
}
