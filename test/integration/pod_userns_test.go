package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

// mappedTo is what kubelet asks for when a pod has hostUsers: false. Volumes of the container are mapped, too.
func mappedTo(host int) func(o object) {
	ids := []object{{"host_id": host, "container_id": 0, "length": 65536}}
	return func(o object) {
		with(o, object{"mode": nsPod, "uids": ids, "gids": ids}, "linux", "security_context", "namespace_options", "userns_options")
		mounts, _ := o["mounts"].([]object)
		for _, m := range mounts {
			m["uidMappings"], m["gidMappings"] = ids, ids
		}
	}
}

var podUserCases = []podCase{
	{"kubelet is told that the handler has user namespaces and read-only mounts of whole trees", func(t *testing.T, e podEnv) {
		var info struct {
			RuntimeHandlers []struct {
				Name     string
				Features map[string]bool
			}
		}
		if err := json.Unmarshal([]byte(e.Crictl(t, "info").Output(t)), &info); err != nil {
			t.Fatal(err)
		}
		if e.Containerd.Tool == daemon.Containerd17 && len(info.RuntimeHandlers) == 0 {
			return // it tells of no handler
		}
		for _, h := range info.RuntimeHandlers {
			if h.Name == daemon.Handler && h.Features["user_namespaces"] && h.Features["recursive_read_only_mounts"] {
				return
			}
		}
		t.Errorf("it is told %+v", info.RuntimeHandlers)
	}},
	{"hostUsers false: root in the pod is nobody on the host, and its volumes are still its own", func(t *testing.T, e podEnv) {
		if e.Containerd.Tool == daemon.Containerd17 {
			noUserNamespaces(t, e)
			return
		}
		mapped, dir := mappedTo(200000), t.TempDir()
		writeFile(t, filepath.Join(dir, "secret"), []byte("root's\n"))
		if err := os.Chmod(filepath.Join(dir, "secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := e.pod(t, mapped)
		c := p.start(t, []string{"/idle.wasm"}, volume(dir, "/data"), mapped)
		for what, pid := range map[string]string{"pause": p.pid(t), "container": c.pid(t)} {
			// The pause is root or nobody there, as the pod's maker has it.
			got := statusFields(t, pid)["Uid"]
			if got != strings.TrimSpace(strings.Repeat("200000 ", 4)) && (what != "pause" || got != strings.TrimSpace(strings.Repeat("265535 ", 4))) {
				t.Errorf("the %s runs as %s", what, got)
			}
		}
		for _, ns := range []string{"user", "net", "ipc", "uts"} {
			if x, y := nsOf(t, p.pid(t), ns), nsOf(t, c.pid(t), ns); x != y {
				t.Errorf("namespaces %s are %s and %s", ns, x, y)
			}
		}
		if r := c.exec(t, "/files.wasm", "read", "/data/secret", "write", "/data/new", "x", "write", "/tmp/x", "y", "read", "/etc/greet"); r.Code != 0 || r.Stdout != "root's\nhello" {
			t.Errorf("got %+v", r)
		}
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, "new"), &st); err != nil || st.Uid != 0 {
			t.Errorf("what it wrote into the volume belongs to %d, %v", st.Uid, err)
		}
	}},
}

// noUserNamespaces shows that a containerd which maps no volumes runs such pods all the same.
func noUserNamespaces(t *testing.T, e podEnv) {
	t.Helper()
	mapped := mappedTo(200000)
	c := e.pod(t, mapped).start(t, []string{"/idle.wasm"}, mapped)
	if got := statusFields(t, c.pid(t))["Uid"]; got != strings.TrimSpace(strings.Repeat("200000 ", 4)) {
		t.Errorf("the container runs as %s", got)
	}
}
