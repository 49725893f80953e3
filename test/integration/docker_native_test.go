package integration

import (
	"fmt"
	"strings"
	"testing"

	"wasmgo/test/daemon"
)

// native prepares `docker VERB` of the native image under a runtime, "" for the daemon's own.
func (d docker) native(t *testing.T, runtime, verb string, flags []string, args ...string) *daemon.Command {
	t.Helper()
	all := []string{verb}
	if runtime != "" {
		all = append(all, "--runtime", runtime)
	}
	return d.Docker(t, append(append(append(all, flags...), "test.local/shell:1"), args...)...)
}

// life is what a user sees of a container that is used in all ways.
func (d docker) life(t *testing.T, runtime string) (lines []string) {
	t.Helper()
	name := fmt.Sprintf("d%d", d.last.Add(1))
	t.Cleanup(func() { d.remove(t, name) })
	see := func(what string, args ...string) {
		t.Helper()
		r := d.Docker(t, args...).Run(t)
		text := strings.ReplaceAll(r.Stdout+r.Stderr, name, "NAME")
		lines = append(lines, fmt.Sprintf("%s: %d %q", what, r.Code, text))
	}
	d.native(t, runtime, "run", []string{
		"--detach", "--name", name, "--network", "none", "--memory", "64m",
		"--health-cmd", "test -e /tmp/healthy", "--health-interval", "100ms", "--health-retries", "1",
	}, "sh", "-c", "trap 'echo stopped; exit 3' TERM; echo up; while :; do sleep 0.1; done").Output(t)
	d.await(t, name, "{{.State.Health.Status}}", "unhealthy")
	see("exec", "exec", name, "touch", "/tmp/healthy")
	d.await(t, name, "{{.State.Health.Status}}", "healthy")
	see("logs", "logs", name)
	see("exec with a code", "exec", "--env", "A=b", "--user", "worker", "--workdir", "/tmp", name, "sh", "-c", "echo $A; id -u; pwd; exit 9")
	see("exec at a terminal", "exec", "--tty", name, "tty")
	see("exec of nothing", "exec", name, "/no/such")
	see("pause", "pause", name)
	see("paused", "inspect", "--format", "{{.State.Status}}", name)
	see("unpause", "unpause", name)
	see("update", "update", "--memory", "32m", "--memory-swap", "32m", name)
	if got := d.Docker(t, "stats", "--no-stream", "--format", "{{.MemUsage}}", name).Output(t); !strings.HasSuffix(got, "/ 32MiB") || strings.HasPrefix(got, "0B") {
		t.Errorf("stats: %q", got)
	}
	if got := d.Docker(t, "top", name).Output(t); !strings.Contains(got, "sleep 0.1") && !strings.Contains(got, "sh -c") {
		t.Errorf("top: %q", got)
	}
	see("stop", "stop", "--time", "20", name)
	see("code", "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Error}}", name)
	see("restart", "restart", name)
	see("kill", "kill", name)
	d.await(t, name, "{{.State.Status}}", "exited")
	see("code", "inspect", "--format", "{{.State.ExitCode}}", name)
	see("all logs", "logs", name)
	return lines
}

var dockerNativeCases = []dockerCase{
	{"native: docker run does what it does with runc", func(t *testing.T, d docker) {
		dir := t.TempDir()
		for _, c := range []struct {
			flags, args []string
			stdin       string
		}{
			{nil, []string{"sh", "-c", "echo out; echo err >&2; exit 7"}, ""},
			{nil, nil, ""}, // the image's own command, a shell at the end of its input
			{nil, []string{"/script", "x"}, ""},
			{[]string{"-i"}, []string{"cat"}, "from stdin"},
			{[]string{"-t"}, []string{"tty"}, ""},
			{[]string{"-e", "A=b", "-w", "/tmp", "-u", "worker"}, []string{"sh", "-c", "echo $A; pwd; id"}, ""},
			{[]string{"--read-only", "--tmpfs", "/run"}, []string{"sh", "-c", "echo x > /x; echo y > /run/y && cat /run/y"}, ""},
			{[]string{"-v", dir + ":/data"}, []string{"sh", "-c", "echo kept >> /data/x; cat /data/x | tail -1"}, ""},
			{[]string{"--hostname", "named", "--add-host", "other:10.0.0.1"}, []string{"sh", "-c", "hostname; grep other /etc/hosts"}, ""},
			{[]string{"--memory", "64m", "--cpus", "0.5", "--pids-limit", "50", "--ulimit", "nofile=64:64"}, []string{"sh", "-c", "ulimit -n"}, ""},
			{[]string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}, []string{"grep", "-e", "CapEff", "-e", "NoNewPrivs", "-e", "Seccomp:", "/proc/self/status"}, ""},
			{[]string{"--privileged"}, []string{"sh", "-c", "grep CapBnd /proc/self/status; grep Seccomp: /proc/self/status"}, ""},
			{[]string{"--entrypoint", "/script"}, []string{"y"}, ""},
			{nil, []string{"sh", "-c", "kill -9 $$"}, ""},
		} {
			flags := append([]string{"--rm", "--network", "none"}, c.flags...)
			var results []string
			for _, runtime := range []string{daemon.Runtime, ""} {
				run := d.native(t, runtime, "run", flags, c.args...)
				run.Stdin = strings.NewReader(c.stdin)
				r := run.Run(t)
				results = append(results, fmt.Sprintf("exit code %d, stdout %q, stderr %q", r.Code, r.Stdout, r.Stderr))
			}
			if results[0] != results[1] {
				t.Errorf("%q %q:\n\t%s\nrunc:\n\t%s", c.flags, c.args, results[0], results[1])
			}
		}
	}},
	{"native: a container lives as with runc: exec, health check, pause, update, stop, restart, kill, logs", func(t *testing.T, d docker) {
		got, want := d.life(t, daemon.Runtime), d.life(t, "")
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("wasmgo:\n\t%s\nrunc:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}},
	{"native: the bridge network and a published port", func(t *testing.T, d docker) {
		name := fmt.Sprintf("d%d", d.last.Add(1))
		t.Cleanup(func() { d.remove(t, name) })
		d.native(t, daemon.Runtime, "run", []string{"--detach", "--name", name, "--publish", "127.0.0.1::8080"}, "sh", "-c", "mkdir /www && echo served > /www/index.html && exec httpd -f -p 8080 -h /www").Output(t)
		address := d.inspect(t, name, "{{.NetworkSettings.Networks.bridge.IPAddress}}")
		got := d.native(t, daemon.Runtime, "run", []string{"--rm"}, "sh", "-c", "until wget -qO- http://"+address+":8080/; do sleep 0.1; done").Output(t)
		if got != "served" {
			t.Errorf("got %q", got)
		}
	}},
}
