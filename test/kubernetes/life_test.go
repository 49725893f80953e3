package kubernetes

import (
	"strings"
	"testing"
	"time"
)

// lifeCases: how pods start and end, and what is said about it.
var lifeCases = []testCase{
	{"a pod that ends is Succeeded or Failed by its guest's exit code, and its log is there", func(t *testing.T, c *cluster) {
		c.pod(t, "good", []string{"/args.wasm", "one", "two"})
		c.pod(t, "bad", []string{"/exit_code.wasm", "7"})
		if got := c.ended(t, "good"); got != "0 Completed" {
			t.Errorf("good: %s", got)
		}
		if got := c.logs(t, "good"); got != "/args.wasm\none\ntwo" {
			t.Errorf("log: %q", got)
		}
		if got := c.ended(t, "bad"); got != "7 Error" {
			t.Errorf("bad: %s", got)
		}
		c.kubectl(t, "wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s", "pod/good")
		c.kubectl(t, "wait", "--for=jsonpath={.status.phase}=Failed", "--timeout=90s", "pod/bad")
	}},
	{"the RuntimeClass sends pods to nodes with wasmgo, and counts what the sandbox takes", func(t *testing.T, c *cluster) {
		c.pod(t, "scheduled", []string{"/idle.wasm"}, with("stdin", true))
		c.ready(t, "scheduled")
		if got := c.get(t, "pod/scheduled", `{.spec.nodeSelector} {.spec.overhead}`); got != `{"io.containerd.wasmgo/installed":"true"} {"cpu":"5m","memory":"8Mi"}` {
			t.Errorf("got %s", got)
		}
	}},
	{"a container that the kernel ends for memory is OOMKilled", func(t *testing.T, c *cluster) {
		c.pod(t, "oom", []string{"/c_copy.wasm", "/big", "/memory/copy"},
			with("resources", object{"limits": object{"memory": "24Mi"}}),
			with("volumeMounts", []any{object{"name": "big", "mountPath": "/big"}, object{"name": "memory", "mountPath": "/memory"}}),
			withSpec("volumes", []any{
				object{"name": "big", "hostPath": object{"path": "/big", "type": "File"}},
				object{"name": "memory", "emptyDir": object{"medium": "Memory"}},
			}))
		if got := c.ended(t, "oom"); got != "137 OOMKilled" {
			t.Errorf("got %s", got)
		}
	}},
	{"a module that nobody can run is in CrashLoopBackOff, and `describe` says why", func(t *testing.T, c *cluster) {
		broken := []struct {
			name, file string
			want       []string
		}{
			{"imports", "/unknown_import.wasm", []string{"/unknown_import.wasm imports what is not provided here", "env::print (func (param i32 i64) (result f32))", "Exit Code:    126"}},
			{"nomodule", "/not.wasm", []string{"/not.wasm is not WebAssembly", "Exit Code:    126"}},
			{"missing", "/nowhere.wasm", []string{"/nowhere.wasm does not exist in the container", "Exit Code:    127"}},
		}
		for _, b := range broken {
			c.pod(t, b.name, []string{b.file}, withSpec("restartPolicy", "Always"), with("terminationMessagePolicy", "FallbackToLogsOnError"))
		}
		for _, b := range broken {
			c.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff", "--timeout=90s", "pod/"+b.name)
			mustContain(t, c.kubectl(t, "describe", "pod", b.name), append(b.want, "Back-off restarting failed container")...)
		}
	}},
	{"a trap is an error with its backtrace in the log", func(t *testing.T, c *cluster) {
		c.pod(t, "trap", []string{"/trap.wasm"})
		c.ended(t, "trap")
		mustContain(t, c.kubectl(t, "logs", "trap"), "trap", "unreachable")
	}},
	{"delete asks first, and kills when the grace period is over", func(t *testing.T, c *cluster) {
		c.pod(t, "polite", []string{"/http_tool.wasm"})
		c.ready(t, "polite")
		start := time.Now()
		c.kubectl(t, "delete", "--grace-period=30", "pod/polite")
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("a server that ends on SIGTERM took %v", took)
		}
		c.pod(t, "stubborn", []string{"/loop.sh"}, with("image", shellImage), with("command", []string{"sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"}))
		c.ready(t, "stubborn")
		start = time.Now()
		c.kubectl(t, "delete", "--grace-period=3", "pod/stubborn")
		if took := time.Since(start); took < 3*time.Second || took > 20*time.Second {
			t.Errorf("one that ignores SIGTERM took %v, want a little more than 3s", took)
		}
	}},
	{"configMap, secret, emptyDir and the service account's token are files, and variables come from both", func(t *testing.T, c *cluster) {
		c.apply(t, object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "settings"}, "data": object{"greeting": "hello"}})
		c.apply(t, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "word"}, "stringData": object{"pass": "xyzzy"}})
		t.Cleanup(func() { c.remove(t, "configmap/settings"); c.remove(t, "secret/word") })
		mounts := with("volumeMounts", []any{
			object{"name": "settings", "mountPath": "/etc/settings"},
			object{"name": "word", "mountPath": "/etc/word"},
			object{"name": "word", "mountPath": "/one/pass", "subPath": "pass"},
			object{"name": "scratch", "mountPath": "/scratch"},
		})
		volumes := withSpec("volumes", []any{
			object{"name": "settings", "configMap": object{"name": "settings"}},
			object{"name": "word", "secret": object{"secretName": "word"}},
			object{"name": "scratch", "emptyDir": object{}},
		})
		for name, want := range map[string]string{
			"/etc/settings/greeting": "hello", "/etc/word/pass": "xyzzy", "/one/pass": "xyzzy",
			"/var/run/secrets/kubernetes.io/serviceaccount/namespace": "default",
		} {
			pod := "reads" + strings.ReplaceAll(strings.ToLower(name), "/", "-")
			pod = strings.ReplaceAll(pod, ".", "-")
			c.pod(t, pod, []string{"/files.wasm", "read", name}, mounts, volumes)
			if got := c.ended(t, pod); got != "0 Completed" {
				t.Errorf("%s: %s: %s", name, got, c.kubectl(t, "logs", pod))
			}
			if got := c.logs(t, pod); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		c.pod(t, "variables", []string{"/env.wasm"}, with("env", []any{
			object{"name": "GREETING", "valueFrom": object{"configMapKeyRef": object{"name": "settings", "key": "greeting"}}},
			object{"name": "PASS", "valueFrom": object{"secretKeyRef": object{"name": "word", "key": "pass"}}},
			object{"name": "NODE", "valueFrom": object{"fieldRef": object{"fieldPath": "spec.nodeName"}}},
		}))
		c.ended(t, "variables")
		mustContain(t, c.kubectl(t, "logs", "variables"), "GREETING=hello", "PASS=xyzzy", "NODE="+nodeName)
	}},
	{"a Job of a guest completes", func(t *testing.T, c *cluster) {
		c.apply(t, object{"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "job"}, "spec": object{
			"completions": 3, "parallelism": 3,
			"template": object{"spec": object{
				"runtimeClassName": "wasmgo", "restartPolicy": "Never",
				"containers": []any{object{"name": "main", "image": podImage, "command": []string{"/sleep.wasm", "100"}}},
			}},
		}})
		t.Cleanup(func() { c.remove(t, "job/job") })
		c.kubectl(t, "wait", "--for=condition=Complete", "--timeout=90s", "job/job")
	}},
}
