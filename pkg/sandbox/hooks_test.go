package sandbox

//lint:file-ignore SA1019 prestart hooks are deprecated, and Docker's

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// shell is a hook that runs a script of the host's shell.
func shell(script string) specs.Hook {
	return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}}
}

func TestHooksRunInOrderWithTheState(t *testing.T) {
	b := newBox(t, "exit 0")
	log := filepath.Join(t.TempDir(), "log")
	// Each writes its name, its network namespace and its state, one line each.
	note := func(name string) specs.Hook {
		return shell(fmt.Sprintf(`echo "%s $(readlink /proc/self/ns/net) $(cat)" >> %s`, name, log))
	}
	b.Spec.Annotations = map[string]string{"a": "b"}
	b.Spec.Hooks = &specs.Hooks{
		Prestart:        []specs.Hook{note("prestart")},
		CreateRuntime:   []specs.Hook{note("createRuntime"), note("createRuntime")},
		CreateContainer: []specs.Hook{note("createContainer")},
		Poststart:       []specs.Hook{note("poststart")},
		Poststop:        []specs.Hook{note("poststop")},
	}
	p := b.start(t)
	inside, err := os.Readlink(procFile(p, "ns/net"))
	if err != nil {
		t.Fatal(err)
	}
	outside, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	destroy(t, p)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	want := []struct {
		name, net string
		state     specs.State
	}{
		{"prestart", outside, specs.State{Status: "creating", Pid: p.Pid()}},
		{"createRuntime", outside, specs.State{Status: "creating", Pid: p.Pid()}},
		{"createRuntime", outside, specs.State{Status: "creating", Pid: p.Pid()}},
		{"createContainer", inside, specs.State{Status: "creating", Pid: 1}},
		{"poststart", outside, specs.State{Status: "running", Pid: p.Pid()}},
		{"poststop", outside, specs.State{Status: "stopped"}},
	}
	if len(lines) != len(want) {
		t.Fatalf("got %q", lines)
	}
	for i, line := range lines {
		fields := strings.SplitN(line, " ", 3)
		var state specs.State
		if err := json.Unmarshal([]byte(fields[2]), &state); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		w := want[i]
		if fields[0] != w.name || fields[1] != w.net || state.Status != w.state.Status || state.Pid != w.state.Pid {
			t.Errorf("got %s, want %+v", line, w)
		}
		if state.ID != b.ID || state.Bundle != b.Bundle || state.Version != specs.Version || state.Annotations["a"] != "b" {
			t.Errorf("%s: got %+v", w.name, state)
		}
	}
}

func TestCreationHooksSeeTheRootBeforeItChanges(t *testing.T) {
	b := newBox(t, "cat /made", "cat /dev/shm/made")
	b.Spec.Mounts = []specs.Mount{{Type: "tmpfs", Source: "shm", Destination: "/dev/shm"}}
	root := filepath.Join(b.Bundle, "rootfs")
	b.Spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{
		shell(fmt.Sprintf("echo root > %s/made; echo mount > %s/dev/shm/made", root, root)),
	}}
	if got, _ := b.run(t); got != "root\nmount\n" {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(filepath.Join(root, "dev/shm/made")); err == nil {
		t.Error("the mount of the container was the host's")
	}
}

func TestStartContainerHooksAreProgramsOfTheContainer(t *testing.T) {
	b := newBox(t, "cat /tmp/hook")
	runner, err := os.ReadFile(filepath.Join(b.Runner, "runner"))
	if err != nil {
		t.Fatal(err)
	}
	b.file(t, "bin/hook", string(runner))
	b.file(t, "tmp/keep", "")
	for name, mode := range map[string]os.FileMode{"bin/hook": 0o755, "tmp": 0o777 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(b.Bundle, "rootfs", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	b.Spec.Process.User = specs.User{UID: 1000, GID: 1001}
	b.Spec.Hooks = &specs.Hooks{StartContainer: []specs.Hook{{
		Path: "/bin/hook", Args: []string{"hook", "ids", "stdin"}, Env: []string{"STAND_ALONE=/tmp/hook"},
	}}}
	got, _ := b.run(t)
	first, state, _ := strings.Cut(got, "\n")
	if !strings.Contains(first, "uid 1000 gid 1001 groups []") {
		t.Errorf("got %q", got)
	}
	var s specs.State
	if err := json.Unmarshal([]byte(state), &s); err != nil || s.Status != specs.StateCreated || s.Pid != 1 {
		t.Errorf("got %q %v", state, err)
	}
}

func TestHooksThatFail(t *testing.T) {
	second := 1
	for name, c := range map[string]struct {
		hooks specs.Hooks
		begin bool // it is Begin that fails
		want  error
		text  string
	}{
		"prestart":                {specs.Hooks{Prestart: []specs.Hook{shell("echo reason >&2; exit 3")}}, false, nil, "hooks.prestart[0]: /bin/sh: exit status 3: reason"},
		"createRuntime":           {specs.Hooks{CreateRuntime: []specs.Hook{shell("true"), shell("exit 3")}}, false, nil, "hooks.createRuntime[1]: /bin/sh: exit status 3"},
		"createContainer":         {specs.Hooks{CreateContainer: []specs.Hook{{Path: "/none"}}}, false, os.ErrNotExist, "hooks.createContainer[0]: /none"},
		"startContainer":          {specs.Hooks{StartContainer: []specs.Hook{shell("true")}}, true, os.ErrNotExist, "hooks.startContainer[0]: /bin/sh"},
		"poststart":               {specs.Hooks{Poststart: []specs.Hook{shell("exit 3")}}, true, nil, "hooks.poststart[0]: /bin/sh: exit status 3"},
		"one that takes too long": {specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sleep", Args: []string{"sleep", "60"}, Timeout: &second}}}, false, errHookTimeout, "hooks.createRuntime[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			b.Spec.Hooks = &c.hooks
			var err error
			if c.begin {
				err = b.start(t).Begin(t.Context())
			} else {
				err = b.refused(t, t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), c.text) || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
	t.Run("poststop, which is only logged", func(t *testing.T) {
		b := newBox(t, "exit 0")
		ran := filepath.Join(t.TempDir(), "ran")
		b.Spec.Hooks = &specs.Hooks{Poststop: []specs.Hook{shell("exit 3"), shell("echo >" + ran)}}
		p := b.start(t)
		destroy(t, p)
		destroy(t, p) // and not again
		if text, err := os.ReadFile(ran); err != nil || string(text) != "\n" {
			t.Errorf("the second hook: %q %v", text, err)
		}
	})
}
