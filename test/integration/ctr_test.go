package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/test/daemon"
)

// ctrRun prepares `ctr run --rm` with the flags before the image and the arguments after the name.
func (e env) ctrRun(t *testing.T, flags []string, args ...string) *daemon.Command {
	t.Helper()
	all := append([]string{"run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...)
	return e.Ctr(t, append(append(all, e.image.Name(), e.id()), args...)...)
}

var ctrCases = []testCase{
	{"ctr run prints what the guest prints and exits as it does", func(t *testing.T, e env) {
		for _, c := range []struct {
			flags, args []string
			stdin       string
			code        int
			stdout      string
		}{
			{nil, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
			{nil, []string{"/exit_code.wasm", "1"}, "", 1, ""},
			{nil, []string{"/exit_code.wasm", "7"}, "", 7, ""},
			{nil, []string{"/exit_code.wasm", "255"}, "", 255, ""},
			{nil, []string{"/trap.wasm"}, "", 134, ""},
			{nil, []string{"/no/such"}, "", 127, ""},
			{nil, []string{"/cat.wasm"}, "from stdin", 0, "from stdin"},
			{[]string{"--env", "A=b"}, []string{"/env.wasm", "A"}, "", 0, "b\n"},
			{[]string{"--cwd", "/etc"}, []string{"/tool.wasm", "cwd"}, "", 0, "/etc\n"},
			{[]string{"--user", "65534"}, []string{"/files.wasm", "read", "/etc/secret"}, "", 1, ""},
			{[]string{"--read-only"}, []string{"/files.wasm", "write", "/tmp/x", "y"}, "", 1, ""},
			{[]string{"--net-host"}, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
			{[]string{"--memory-limit", "67108864"}, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
		} {
			run := e.ctrRun(t, c.flags, c.args...)
			run.Stdin = strings.NewReader(c.stdin)
			got := run.Run(t)
			if got.Code != c.code || got.Stdout != c.stdout {
				t.Errorf("%s: exit code %d, want %d; stdout %q, want %q\n%s", run, got.Code, c.code, got.Stdout, c.stdout, got.Stderr)
			}
		}
	}},
	{"ctr run with a terminal is one that can be typed into", func(t *testing.T, e env) {
		typeInto(t, e.ctrRun(t, []string{"--tty"}, "/cat.wasm"))
	}},
	{"ctr run mounts volumes read-write and read-only", func(t *testing.T, e env) {
		dir := t.TempDir()
		mount := "type=bind,src=" + dir + ",dst=/data,options=rbind:"
		write := e.ctrRun(t, []string{"--mount", mount + "rw"}, "/files.wasm", "write", "/data/x", "text").Run(t)
		if write.Code != 0 || readFile(t, filepath.Join(dir, "x")) != "text" {
			t.Errorf("exit code %d: %s", write.Code, write.Stderr)
		}
		again := e.ctrRun(t, []string{"--mount", mount + "ro"}, "/files.wasm", "write", "/data/y", "text").Run(t)
		if _, err := os.Stat(filepath.Join(dir, "y")); again.Code != 1 || err == nil {
			t.Errorf("read-only: exit code %d: %s", again.Code, again.Stderr)
		}
	}},
	{"ctr tasks list, pause, resume, metrics, ps and kill work on a detached container", func(t *testing.T, e env) {
		id := e.id()
		e.Ctr(t, "run", "--detach", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", e.image.Name(), id, "/loop.wasm").Output(t)
		mustContain(t, e.Ctr(t, "tasks", "list").Output(t), id)
		e.Ctr(t, "tasks", "pause", id).Output(t)
		if line := lineWith(e.Ctr(t, "tasks", "list").Output(t), id+" "); !strings.Contains(line, "PAUSED") {
			t.Errorf("the list says %q", line)
		}
		e.Ctr(t, "tasks", "resume", id).Output(t)
		mustContain(t, e.Ctr(t, "tasks", "metrics", id).Output(t), id, "memory")
		if lines := strings.Count(e.Ctr(t, "tasks", "ps", id).Output(t), "\n"); lines != 1 {
			t.Errorf("ps lists %d processes, want 1", lines)
		}
		w := e.watch(t)
		e.Ctr(t, "tasks", "kill", "--signal", "SIGTERM", id).Output(t)
		w.expect(t, id, "exit 143")
		if got := e.Ctr(t, "tasks", "delete", id).Run(t); !strings.Contains(got.Stderr, "non-zero exit code 143") {
			t.Errorf("delete says %q", got.Stderr)
		}
		e.Ctr(t, "containers", "delete", id).Output(t)
		e.MustBeGone(t, id)
	}},
}

// lineWith is the first line of text that has part in it.
func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
