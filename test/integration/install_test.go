package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

// installEnv is a containerd with CRI on a host that wasmgo is installed on, and taken off again, under another name than the tests' own.
type installEnv struct {
	*daemon.CRIDaemon

	config, dropIns, program, root string
	containerd                     string // in place of the program, "" for the pinned one
	restart                        string // in place of the command that has the test restart containerd
	requests, done                 string // FIFOs by which a command asks for that
	restarts                       int
}

// installedHandler is the name that pods ask for.
const installedHandler = "installed"

func newInstallEnv(t *testing.T, version string) *installEnv {
	t.Helper()
	d := daemon.CRI(t, daemon.Version(version))
	dir := d.Containerd.Dir
	e := &installEnv{
		CRIDaemon: d,
		config:    filepath.Join(dir, "containerd.toml"), dropIns: filepath.Join(dir, "conf.d"),
		program: filepath.Join(dir, "bin", "containerd-shim-wasmgo-v1"), root: filepath.Join(dir, "data"),
		requests: filepath.Join(dir, "requests"), done: filepath.Join(dir, "done"),
	}
	for _, fifo := range []string{e.requests, e.done} {
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// call runs install or uninstall, and restarts containerd when its command asks for it.
func (e *installEnv) call(t *testing.T, verb string) (code int, output string) {
	t.Helper()
	containerd, restart := e.containerd, e.restart
	if containerd == "" {
		containerd = filepath.Join(daemon.Tool(t, e.Containerd.Tool), "containerd")
	}
	if restart == "" {
		restart = e.ask()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := e.Containerd.CLI(t, verb, "--config", e.config, "--drop-ins", e.dropIns, "--program", e.program, "--root", e.root,
		"--containerd", containerd, "--handler", installedHandler, "--restart", restart).Prepare(ctx)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	// Both ways, so that it is never at its end; not blocking, so that it can be closed.
	requests, err := os.OpenFile(e.requests, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	asked, ended := make(chan struct{}), make(chan error)
	go func() { ended <- cmd.Wait() }()
	go func() {
		defer close(asked)
		for {
			if _, err := requests.Read(make([]byte, 1)); err != nil {
				return // closed
			}
			asked <- struct{}{}
		}
	}()
	for {
		select {
		case <-asked:
			e.restarts++
			e.Containerd.Stop(t)
			e.Start(t)
			if err := os.WriteFile(e.done, []byte("x"), 0); err != nil {
				t.Fatal(err)
			}
		case <-ended:
			requests.Close()
			<-asked
			return cmd.ProcessState.ExitCode(), out.String()
		}
	}
}

// ask is the command that has the test restart containerd.
func (e *installEnv) ask() string {
	return fmt.Sprintf("printf x >%s && head -c1 %s >/dev/null", e.requests, e.done)
}

// must is call of one that has to succeed.
func (e *installEnv) must(t *testing.T, verb string) string {
	t.Helper()
	code, out := e.call(t, verb)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s", verb, code, out)
	}
	return out
}

// files are the contents of all files that install may touch.
func (e *installEnv) files(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, dir := range []string{e.Containerd.Dir, e.dropIns} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				files[filepath.Join(dir, entry.Name())] = readFile(t, filepath.Join(dir, entry.Name()))
			}
		}
	}
	for _, path := range []string{e.program, e.root, e.dropIns} {
		if _, err := os.Lstat(path); err == nil {
			files[path] = "is there"
		}
	}
	return files
}

// mustBe fails the test unless the files are as they were.
func (e *installEnv) mustBe(t *testing.T, want map[string]string) {
	t.Helper()
	got := e.files(t)
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is\n%s, want\n%s", name, got[name], want[name])
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is left", name)
	}
}

// mustRunPods runs a pod of the installed handler.
func (e *installEnv) mustRunPods(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("p%d", e.restarts)
	config := writeConfig(t, "pod.json", object{
		"metadata": object{"name": name, "namespace": "default", "uid": "u", "attempt": 1},
		"linux":    object{"cgroup_parent": e.Parent},
	})
	id := e.Crictl(t, "runp", "--runtime", installedHandler, config).Output(t)
	e.Crictl(t, "rmp", "--force", id).Output(t)
}

// TestInstallIntoContainerd installs wasmgo into the configuration of a containerd that other tests have written for both versions, and takes it out.
func TestInstallIntoContainerd(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newInstallEnv(t, version)
			for _, c := range installCases {
				t.Run(c.name, func(t *testing.T) {
					before := e.files(t)
					c.run(t, e)
					e.containerd, e.restart = "", ""
					e.must(t, "uninstall")
					e.mustBe(t, before)
				})
			}
		})
	}
}

// installCases may leave wasmgo installed.
var installCases = []struct {
	name string
	run  func(t *testing.T, e *installEnv)
}{
	{"pods of the handler run, and a second time nothing is done", func(t *testing.T, e *installEnv) {
		e.must(t, "install")
		e.mustRunPods(t)
		installed, restarts := e.files(t), e.restarts
		mustContain(t, e.must(t, "install"), "is there already", "configured as it should be")
		e.mustBe(t, installed)
		if e.restarts != restarts {
			t.Error("containerd was restarted for nothing")
		}
	}},
	{"another version takes the place of the program", func(t *testing.T, e *installEnv) {
		e.must(t, "install")
		want := readFile(t, e.program)
		writeFile(t, e.program, []byte("an older one"))
		e.must(t, "install")
		if got := readFile(t, e.program); got != want {
			t.Errorf("the program has %d bytes, want %d", len(got), len(want))
		}
	}},
	{"an uninstall without an install does nothing", func(t *testing.T, e *installEnv) {
		restarts := e.restarts
		mustContain(t, e.must(t, "uninstall"), "not installed")
		if e.restarts != restarts {
			t.Error("containerd was restarted for nothing")
		}
	}},
	{"a configuration that is broken already stays as it is", func(t *testing.T, e *installEnv) {
		good := readFile(t, e.config)
		writeFile(t, e.config, []byte(good+"\n[plugins\n"))
		code, out := e.call(t, "install")
		if broken := readFile(t, e.config); code == 0 || broken != good+"\n[plugins\n" {
			t.Errorf("exit code %d, %q", code, broken)
		}
		mustContain(t, out, e.config)
		writeFile(t, e.config, []byte(good))
	}},
	{"imports that the administrator has are kept", func(t *testing.T, e *installEnv) {
		good := readFile(t, e.config)
		other := filepath.Join(e.Containerd.Dir, "other.toml")
		writeFile(t, other, []byte("version = 2\n[timeouts]\n  \"io.containerd.timeout.shim.load\" = \"7s\"\n"))
		writeFile(t, e.config, []byte("imports = [ # theirs\n  \"other.toml\",\n]\n"+good))
		e.must(t, "install")
		e.mustRunPods(t)
		e.must(t, "uninstall")
		if text := readFile(t, e.config); text != "imports = [ # theirs\n  \"other.toml\",\n]\n"+good {
			t.Errorf("the configuration is\n%s", text)
		}
		writeFile(t, e.config, []byte(good))
		os.Remove(other)
	}},
	{"a directory that cannot be written to is named, and nothing is changed", func(t *testing.T, e *installEnv) {
		readOnly := t.TempDir()
		if err := unix.Mount(readOnly, readOnly, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(readOnly, 0) }) // its removal fails if this does
		if err := unix.Mount("", readOnly, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		program := e.program
		e.program = filepath.Join(readOnly, "shim")
		defer func() { e.program = program }()
		config := readFile(t, e.config)
		code, out := e.call(t, "install")
		if code == 0 || readFile(t, e.config) != config {
			t.Errorf("exit code %d", code)
		}
		mustContain(t, out, readOnly, "read-only file system")
	}},
	{"an installer that is killed at any step leaves what the next one completes", func(t *testing.T, e *installEnv) {
		pinned := filepath.Join(daemon.Tool(t, e.Containerd.Tool), "containerd")
		calls := filepath.Join(t.TempDir(), "calls")
		wrapper := filepath.Join(t.TempDir(), "containerd")
		// The installer calls containerd for its version, and then to read the configuration as it is, as it shall be, and as it has become.
		before := readFile(t, e.config)
		for step := 1; step <= 4; step++ {
			writeFile(t, calls, nil)
			writeFile(t, wrapper, fmt.Appendf(nil, "#!/bin/sh\nprintf x >>%s\nif [ $(stat -c %%s %s) = %d ]; then kill -9 $PPID; exit 1; fi\nexec %s \"$@\"\n", calls, calls, step, pinned))
			if err := os.Chmod(wrapper, 0o755); err != nil {
				t.Fatal(err)
			}
			e.containerd = wrapper
			if code, out := e.call(t, "install"); code != -1 {
				t.Fatalf("step %d: exit code %d\n%s", step, code, out)
			}
			if changed := readFile(t, e.config) != before; changed != (step == 4) {
				t.Errorf("step %d: the configuration has changed: %v", step, changed)
			}
		}
		e.containerd = ""
		// containerd may be started again at any time, by somebody else.
		e.Containerd.Stop(t)
		e.Start(t)
		e.must(t, "install")
		e.must(t, "uninstall")
		e.restart = "kill -9 $PPID"
		if code, out := e.call(t, "install"); code != -1 {
			t.Fatalf("exit code %d\n%s", code, out)
		}
		e.restart = ""
		restarts := e.restarts
		e.must(t, "install")
		if e.restarts == restarts {
			t.Error("containerd has not been restarted since it was configured")
		}
		e.mustRunPods(t)
	}},
	{"if containerd does not come up, its configuration is put back", func(t *testing.T, e *installEnv) {
		before := readFile(t, e.config)
		e.restart = fmt.Sprintf("if [ -e %s ] || grep -q %s %s; then echo no >&2; exit 1; fi; %s", filepath.Join(e.dropIns, "wasmgo.toml"), installedHandler, e.config, e.ask())
		code, out := e.call(t, "install")
		if code == 0 || readFile(t, e.config) != before {
			t.Errorf("exit code %d", code)
		}
		mustContain(t, out, "containerd runs with the configuration that it had before", "no")
	}},
	{"wasmgo stays while there are containers of it", func(t *testing.T, e *installEnv) {
		e.must(t, "install")
		config := writeConfig(t, "pod.json", object{
			"metadata": object{"name": "stays", "namespace": "default", "uid": "u", "attempt": 1},
			"linux":    object{"cgroup_parent": e.Parent},
		})
		id := e.Crictl(t, "runp", "--runtime", installedHandler, config).Output(t)
		code, out := e.call(t, "uninstall")
		if code == 0 {
			t.Error("it is gone")
		}
		mustContain(t, out, "k8s.io/"+id)
		e.Crictl(t, "rmp", "--force", id).Output(t)
	}},
}
