package sandbox

//lint:file-ignore SA1019 prestart hooks are deprecated, and Docker's

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// status are lines of a process's /proc/<pid>/status by name.
func status(t *testing.T, p *Process) map[string]string {
	t.Helper()
	text, err := os.ReadFile(procFile(p, "status"))
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		lines[name] = strings.Join(strings.Fields(value), " ")
	}
	return lines
}

func TestCredentials(t *testing.T) {
	umask := uint32(0o027)
	caps := []string{"CAP_CHOWN", "CAP_NET_BIND_SERVICE"}
	all := &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
	ambient := &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps, Inheritable: caps, Ambient: caps[1:]}
	for name, c := range map[string]struct {
		user specs.User
		caps *specs.LinuxCapabilities
		nnp  bool
		want map[string]string
	}{
		"root has its bounding set": {specs.User{}, all, false, map[string]string{
			"Uid": "0 0 0 0", "Gid": "0 0 0 0", "Groups": "", "Umask": "0022", "NoNewPrivs": "0",
			"CapInh": "0", "CapPrm": "401", "CapEff": "401", "CapBnd": "401", "CapAmb": "0",
		}},
		"root without any": {specs.User{}, nil, true, map[string]string{
			"NoNewPrivs": "1", "CapInh": "0", "CapPrm": "0", "CapEff": "0", "CapBnd": "0", "CapAmb": "0",
		}},
		"a user has none": {specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{7, 3}, Umask: &umask}, all, false, map[string]string{
			"Uid": "1000 1000 1000 1000", "Gid": "1001 1001 1001 1001", "Groups": "3 7", "Umask": "0027",
			"CapInh": "0", "CapPrm": "0", "CapEff": "0", "CapBnd": "401", "CapAmb": "0",
		}},
		"a user has its ambient set": {specs.User{UID: 1000}, ambient, true, map[string]string{
			"NoNewPrivs": "1", "CapInh": "401", "CapPrm": "400", "CapEff": "400", "CapBnd": "401", "CapAmb": "400",
		}},
		"what is not known is passed over": {specs.User{}, &specs.LinuxCapabilities{Bounding: []string{"CAP_FLY", "cap_chown"}}, false, map[string]string{
			"CapEff": "1", "CapBnd": "1",
		}},
	} {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held %v", name, held), func(t *testing.T) {
				b := newBox(t, "exit 0")
				b.Spec.Process.User, b.Spec.Process.Capabilities, b.Spec.Process.NoNewPrivileges = c.user, c.caps, c.nnp
				if held {
					b.Spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
				}
				got := status(t, b.start(t))
				for line, want := range c.want {
					have := got[line]
					if strings.HasPrefix(line, "Cap") {
						have = strings.TrimLeft(have, "0")
						if want == "0" {
							want = ""
						}
					}
					if have != want {
						t.Errorf("%s: got %q, want %q", line, have, want)
					}
				}
			})
		}
	}
}

func TestRunnerHasItsOwnDescriptorsAlone(t *testing.T) {
	// One that is not close-on-exec, as a careless parent of the shim's may leave.
	leak, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leak)
	for name, held := range map[string]bool{"born as the runner": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			code := t.TempDir()
			b.Config.Guest = withCode(b.Config.Guest, code)
			if held {
				b.Spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
			}
			p := b.start(t)
			entries, err := os.ReadDir(procFile(p, "fd"))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, e := range entries {
				got[e.Name()], err = os.Readlink(procFile(p, "fd/"+e.Name()))
				if err != nil {
					t.Fatal(err)
				}
			}
			for fd, want := range map[string]string{"0": "/dev/null", "1": b.stdout.Name(), "2": "", "3": "socket:", "4": ""} {
				// A file of the host's has no path that the container's root leads to; its last part is shown.
				if target, ok := got[fd]; !ok || !strings.HasPrefix(target, want) && filepath.Base(target) != filepath.Base(want) {
					t.Errorf("descriptor %s is %q, want %q", fd, target, want)
				}
				delete(got, fd)
			}
			for fd, target := range got {
				if !strings.HasPrefix(target, "anon_inode:") { // the Go runtime's own
					t.Errorf("descriptor %s is %q, want none", fd, target)
				}
			}
		})
	}
}

func TestProcessAttributes(t *testing.T) {
	for name, held := range map[string]bool{"born as the runner": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			score := 500
			b.Spec.Process.OOMScoreAdj = &score
			b.Spec.Process.User.UID = 1000
			b.Spec.Process.Rlimits = []specs.POSIXRlimit{
				{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE"}, {Type: "RLIMIT_STACK", Soft: 1 << 20, Hard: 1 << 21},
			}
			b.Spec.Process.Args = []string{"/app.wasm", "--flag"}
			if held {
				b.Spec.Hooks = &specs.Hooks{Prestart: []specs.Hook{{Path: "/bin/true"}}}
			}
			p := b.start(t)
			for file, want := range map[string]string{
				"oom_score_adj": "500\n",
				"cmdline":       "/app.wasm\x00--flag\x00",
				"environ":       "WASMGO_RUNNER=guest\x00GOMAXPROCS=1\x00GLIBC_TUNABLES=glibc.malloc.tcache_count=40\x00",
			} {
				if got, err := os.ReadFile(procFile(p, file)); err != nil || string(got) != want {
					t.Errorf("%s: got %q %v, want %q", file, got, err, want)
				}
			}
			limits, err := os.ReadFile(procFile(p, "limits"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Max open files 100 200", "Max core file size 0 0", "Max stack size 1048576 2097152"} {
				lines := strings.Split(string(limits), "\n")
				if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(strings.Join(strings.Fields(l), " "), want) }) {
					t.Errorf("no %q in %s", want, limits)
				}
			}
			if root, err := os.Stat(procFile(p, "root")); err != nil || root == nil {
				t.Error(err)
			}
			if cwd, err := os.Readlink(procFile(p, "cwd")); err != nil || cwd != "/" {
				t.Errorf("working directory %q %v", cwd, err)
			}
			// Its own session and group: a signal to the shim's terminal is not for it.
			if sid, err := unix.Getsid(p.Pid()); err != nil || sid != p.Pid() {
				t.Errorf("session %d %v, want %d", sid, err, p.Pid())
			}
		})
	}
}
