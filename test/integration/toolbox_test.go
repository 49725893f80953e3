package integration

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/test/daemon"
)

// tool runs a tool in a container and expects its output and exit code.
func (e env) tool(t *testing.T, c *container, id string, args []string, code uint32, out string, changes ...func(*specs.Process)) {
	t.Helper()
	x := e.exec(t, c, id, nil, args, changes...)
	if got := x.finish(t, c); got != code || x.stdout.String() != out {
		t.Errorf("%q: exit code %d, output %q and %q; want %d and %q", args, got, x.stdout, x.stderr, code, out)
	}
}

// hasTools has the toolbox compiled, which on a busy machine takes longer than anything else waited for.
func hasTools(t *testing.T, d *daemon.ContainerdDaemon) {
	t.Helper()
	d.CLI(t, "precompile", "--toolbox").Output(t)
}

var toolboxCases = []testCase{
	{"a shell and tools for a container that has none, with the container's files, user, variables and directory", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		e.tool(t, c, "cat", []string{"cat", "/etc/greet"}, 0, "hello\n")
		e.tool(t, c, "sh", []string{"/bin/sh", "-c", "cd /etc && head -1 < greet | cat; ls -d /work; exit 4"}, 4, "hello\n/work\n")
		e.tool(t, c, "user", []string{"sh", "-c", "id -u; id -g; cat /etc/secret 2>/dev/null || echo not mine"}, 0, "1234\n50\nnot mine\n", func(p *specs.Process) {
			p.User = specs.User{UID: 1234, GID: 50}
		})
		e.tool(t, c, "env", []string{"sh", "-c", "echo $COLOUR; pwd; cat here"}, 0, "red\n/work\nin the working directory\n", func(p *specs.Process) {
			p.Env = append(p.Env, "COLOUR=red")
			p.Cwd = "/work"
		})
		e.tool(t, c, "probe", []string{"cat", "/tmp/healthy"}, 1, "")
		e.tool(t, c, "touch", []string{"touch", "/tmp/healthy"}, 0, "")
		e.tool(t, c, "again", []string{"cat", "/tmp/healthy"}, 0, "")
		x := e.exec(t, c, "stdin", strings.NewReader("b\na\n"), []string{"sort"})
		if code := x.finish(t, c); code != 0 || x.stdout.String() != "a\nb\n" {
			t.Errorf("sort: exit code %d, %q: %s", code, x.stdout, x.stderr)
		}
	}},
	{"ps names the processes of the container", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		x := e.exec(t, c, "ps", nil, []string{"ps"})
		if code := x.finish(t, c); code != 0 || !strings.Contains(x.stdout.String(), "      1 ") || !strings.Contains(x.stdout.String(), "/loop.wasm") {
			t.Errorf("exit code %d, got %q: %s", code, x.stdout, x.stderr)
		}
	}},
	{"a shell at a terminal: Ctrl-C ends what runs and not the shell, Ctrl-D the shell", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		r, w := io.Pipe()
		x := e.exec(t, c, "tty", r, []string{"sh"}, func(p *specs.Process) { p.Terminal = true })
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		// Each step is shown before the next is typed: a signal takes its time, and what is typed meanwhile is for whoever reads then.
		const prompt = "/work # "
		prompts := 1
		x.stdout.awaitTimes(t, prompts, prompt)
		for _, step := range []struct {
			typed, shown string
			prompted     bool
		}{
			{"echo $((6*7))\n", "42\r\n", true},
			{"echo one; sleep 1000\n", "one\r\n", false},
			{"\x03", "", true},
			{"echo first $?\n", "first 130\r\n", true},
			{"echo two; cat\n", "two\r\n", false},
			{"\x03", "", true},
			{"echo second $?\n", "second 130\r\n", true},
			{"echo three; while true; do :; done\n", "three\r\n", false},
			{"\x03", "", true},
			{"echo third $?\n", "third 130\r\n", true},
			{"half a line", "half a line", false},
			{"\x03", "", true},
			{"if true; then\n", "> ", false},
			{"echo yes; fi\n", "yes\r\n", true},
			{"frobnicate\n", "sh: frobnicate: not found\r\n", true},
			{"help\n", "show files, or standard input", true},
		} {
			if _, err := io.WriteString(w, step.typed); err != nil {
				t.Fatal(err)
			}
			x.stdout.await(t, step.shown)
			if step.prompted {
				prompts++
				x.stdout.awaitTimes(t, prompts, prompt)
			}
		}
		if _, err := io.WriteString(w, "exit 5\n"); err != nil {
			t.Fatal(err)
		}
		if code := x.end(t, c); code != 5 {
			t.Errorf("exit code %d: %s", code, x.stdout)
		}
		w.Close()
	}},
	{"the end of a terminal's input ends the shell", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		r, w := io.Pipe()
		x := e.exec(t, c, "tty", r, []string{"sh"}, func(p *specs.Process) { p.Terminal = true })
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		x.stdout.await(t, "# ")
		io.WriteString(w, "\x04")
		if code := x.end(t, c); code != 0 {
			t.Errorf("exit code %d: %s", code, x.stdout)
		}
		w.Close()
	}},
	{"without a terminal SIGINT ends a tool", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		x := e.exec(t, c, "cat", nil, []string{"tail", "-f", "/etc/greet"})
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		x.stdout.await(t, "hello\n")
		if err := x.Kill(c.ctx, 2); err != nil {
			t.Fatal(err)
		}
		if code := x.end(t, c); code != 130 {
			t.Errorf("exit code %d: %s", code, x.stderr)
		}
	}},
	{"a file of the container wins over a tool", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		e.tool(t, c, "make", []string{"sh", "-c", "mkdir /bin && cp /args.wasm /bin/ls && cp /exit_code.wasm /bin/sh && cp /etc/greet /bin/cat"}, 0, "")
		e.tool(t, c, "ls", []string{"ls", "-l"}, 0, "ls\n-l\n")
		e.tool(t, c, "sh", []string{"/bin/sh", "9"}, 9, "")
		e.tool(t, c, "cat", []string{"cat", "/etc/greet"}, 126, "")
		e.tool(t, c, "another", []string{"head", "/etc/greet"}, 0, "hello\n")
	}},
	{"nothing leads out of the container", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		e.tool(t, c, "up", []string{"sh", "-c", "cd /tmp && ln -s ../../../../../../etc/greet out && cat out /../../../etc/greet ../../../../etc/greet"}, 0, "hello\nhello\nhello\n")
		e.tool(t, c, "proc", []string{"sh", "-c", "ls /proc/self 2>/dev/null"}, 2, "")
		e.tool(t, c, "root", []string{"sh", "-c", "rm -rf / 2>&1; ls /etc/greet"}, 0, "rm: /: is not removed\n/etc/greet\n")
	}},
	{"a read-only root is one", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm").with(oci.WithRootFSReadonly()))
		x := e.exec(t, c, "touch", nil, []string{"touch", "/x"})
		if code := x.finish(t, c); code != 1 || !strings.Contains(strings.ToLower(x.stderr.String()), "read-only file system") {
			t.Errorf("exit code %d: %s", code, x.stderr)
		}
	}},
	{"what a container may not have of the network its tools have not", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm").with(oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.deny": "tcp,udp,dns"})))
		for i, args := range [][]string{{"nc", "127.0.0.1", "9"}, {"nc", "-u", "127.0.0.1", "9"}, {"nslookup", "name.test"}, {"wget", "http://127.0.0.1/"}, {"nc", "-l", "-p", "9"}} {
			x := e.exec(t, c, fmt.Sprint("n", i), nil, args)
			if code := x.finish(t, c); code != 1 || !strings.Contains(strings.ToLower(x.stderr.String()), "permission denied") {
				t.Errorf("%q: exit code %d: %s", args, code, x.stderr)
			}
		}
	}},
	{"with the toolbox off an exec finds what is in the container", func(t *testing.T, e env) {
		for name, w := range map[string]want{
			"annotation": guest("/loop.wasm").with(oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.toolbox": "off"})),
			"variable":   guest("/loop.wasm").with(oci.WithEnv([]string{"WASMGO_TOOLBOX=off"})),
		} {
			c := e.start(t, w)
			x := e.exec(t, c, "sh", nil, []string{"sh"})
			if code := x.finish(t, c); code != 127 || !strings.Contains(x.stderr.String(), "sh was not found along PATH") {
				t.Errorf("%s: exit code %d: %s", name, code, x.stderr)
			}
		}
	}},
	{"a container itself does not run tools", func(t *testing.T, e env) {
		if code, _, stderr := e.run(t, guest("sh")); code != 127 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}},
	{"a container with little memory has tools, too", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm").with(oci.WithMemoryLimit(32<<20)))
		e.tool(t, c, "pipe", []string{"sh", "-c", "seq 1 100000 | sort -n | tail -1"}, 0, "100000\n")
	}},
	{"twenty tools at once", func(t *testing.T, e env) {
		hasTools(t, e.ContainerdDaemon)
		c := e.start(t, guest("/loop.wasm"))
		var all sync.WaitGroup
		for i := range 20 {
			x := e.exec(t, c, fmt.Sprint("x", i), nil, []string{"sh", "-c", fmt.Sprintf("echo $((%d * 2)) | cat; exit %d", i, i)})
			all.Go(func() {
				if err := x.Start(c.ctx); err != nil {
					t.Error(err)
					return
				}
				if code := x.end(t, c); code != uint32(i) || x.stdout.String() != fmt.Sprintln(2*i) {
					t.Errorf("exec %d: exit code %d, %q: %s", i, code, x.stdout, x.stderr)
				}
			})
		}
		all.Wait()
	}},
}
