package integration

import (
	"strings"
	"testing"
)

// shellImage has a container be of the native image.
func shellImage(o object) { o["image"] = object{"image": "test.local/shell:1"} }

// script is a shell's command.
func script(text string) []string { return []string{"sh", "-c", text} }

var podNativeCases = []podCase{
	{"native: an init container, a sidecar and a Wasm container share a volume, the pod's namespaces and its shim", func(t *testing.T, e podEnv) {
		p, dir := e.pod(t), t.TempDir()
		data := volume(dir, "/data")
		if code, _, stderr := p.run(t, script("echo prepared > /data/x"), shellImage, data); code != 0 {
			t.Fatalf("init container: exit code %d, %s", code, stderr)
		}
		side := p.start(t, script("trap 'exit 4' TERM; echo up; while :; do sleep 0.1; done"), shellImage, data)
		side.await(t, "up")
		wasm := p.start(t, []string{"/idle.wasm"}, data)
		if code, stdout, stderr := p.run(t, []string{"/files.wasm", "read", "/data/x"}, data); code != 0 || stdout != "prepared\n" {
			t.Errorf("Wasm container: exit code %d, %q %q", code, stdout, stderr)
		}
		pids := []string{p.pid(t), side.pid(t), wasm.pid(t)}
		for _, ns := range []string{"net", "ipc", "uts"} {
			if x, y, z := nsOf(t, pids[0], ns), nsOf(t, pids[1], ns), nsOf(t, pids[2], ns); x != y || y != z {
				t.Errorf("namespaces %s are %s, %s and %s", ns, x, y, z)
			}
		}
		if x, y := parent(t, parent(t, pids[1])), parent(t, pids[2]); x != y {
			t.Errorf("the shims are %s and %s", x, y)
		}
		p.env.Crictl(t, "stop", "--timeout", "10", side.id).Output(t)
		if s := side.wait(t); s.ExitCode != 4 {
			t.Errorf("the sidecar's exit code is %d, want 4", s.ExitCode)
		}
	}},
	{"native: what kubelet asks of a container: logs, exec, a probe that fails, figures", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, script("echo out; echo err >&2; sleep 1000"), shellImage)
		c.await(t, "out")
		c.await(t, "err")
		if r := c.exec(t, "sh", "-c", "hostname; cat /etc/hostname; echo $FROM_IMAGE"); r.Code != 0 || r.Stdout != "pod.example\npod.example\nyes" {
			t.Errorf("exec: %+v", r)
		}
		if r := c.exec(t, "sh", "-c", "exit 7"); r.Code == 0 || !strings.Contains(r.Stderr, "7") {
			t.Errorf("a probe that fails: %+v", r)
		}
		if r := c.exec(t, "sh", "-c", "test -s /etc/hosts && test -s /etc/resolv.conf && mount | grep -q ' /dev/shm ' && echo files"); r.Stdout != "files" {
			t.Errorf("the pod's files: %+v", r)
		}
		var figures struct{ Stats []usage }
		p.inspect(t, &figures, "stats", "--id", c.id)
		if len(figures.Stats) != 1 || number(t, figures.Stats[0].Memory.WorkingSetBytes.Value) == 0 {
			t.Errorf("figures: %+v", figures)
		}
	}},
	{"native: shareProcessNamespace: it sees the pause and its neighbours", func(t *testing.T, e podEnv) {
		share := namespace("pid", nsPod)
		p := e.pod(t, share)
		p.start(t, []string{"/idle.wasm"}, share)
		code, stdout, stderr := p.run(t, script("ps"), shellImage, share)
		if code != 0 {
			t.Errorf("exit code %d, %s", code, stderr)
		}
		mustContain(t, stdout, "pause", "/idle.wasm")
	}},
	{"native: one that the kernel kills for want of memory is OOMKilled", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"tail", "/dev/zero"}, shellImage, resources(object{"memory_limit_in_bytes": 16 << 20}))
		if s := c.wait(t); s.Reason != "OOMKilled" || s.ExitCode != 137 {
			t.Errorf("status %+v", s)
		}
	}},
	{"native: a pod that is stopped takes its containers along", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, script("echo up; sleep 1000"), shellImage)
		c.await(t, "up")
		p.env.Crictl(t, "stopp", p.id).Output(t)
		if s := c.wait(t); s.ExitCode != 137 && s.ExitCode != 143 {
			t.Errorf("status %+v", s)
		}
	}},
}
