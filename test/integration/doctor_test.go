package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/pkg/doctor"
	"wasmgo/test/daemon"
)

// patient is a host that doctor looks at: a containerd of the test's own, and what runs over it.
type patient struct {
	*daemon.ContainerdDaemon
	docker string // dockerd's socket
	args   []string
}

// examine runs `doctor --json` of the built shim, and returns its report and its exit code.
func (p patient) examine(t *testing.T, args ...string) (r doctor.Report, code int) {
	t.Helper()
	docker := p.docker
	if docker == "" {
		docker = filepath.Join(p.Dir, "none")
	}
	args = append([]string{"doctor", "--json", "--address", p.Address, "--docker", docker}, args...)
	out, code := p.shim(t, append(args, p.args...)...)
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r, code
}

// shim runs the built shim as a user does, and returns its stdout and exit code.
func (p patient) shim(t *testing.T, args ...string) (out []byte, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(daemon.Built(t), "containerd-shim-wasmgo-v1"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "WASMGO_ROOT="+p.Root())
	out, err := cmd.Output()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Logf("%v said %s", args, stderr.String())
	}
	if failed {
		code = exit.ExitCode()
	}
	return out, code
}

// complaint is what doctor has to say about one thing.
type complaint struct {
	part, check string
	grade       doctor.Grade
	says        string // in Found
}

// heal looks for the complaint, applies its fix, and looks for that the same check is then good. Restart makes a change of files hold.
func (p patient) heal(t *testing.T, c complaint, restart func()) {
	t.Helper()
	r, code := p.examine(t)
	f := finding(t, r, c.part, c.check)
	if f.Grade != c.grade || !strings.Contains(f.Found, c.says) || f.Fix == "" {
		t.Fatalf("%+v, want %+v", f, c)
	}
	if want := map[bool]int{true: 1, false: 0}[r.Failed > 0]; code != want || c.grade == doctor.Failure && code != 1 {
		t.Errorf("exit code %d with %d failures", code, r.Failed)
	}
	if _, code := p.examine(t, "--strict"); code != 1 {
		t.Errorf("exit code %d of --strict", code)
	}
	p.apply(t, f)
	if restart != nil {
		restart()
	}
	r, _ = p.examine(t)
	if f := finding(t, r, c.part, c.check); f.Grade != doctor.OK {
		t.Errorf("after the fix: %+v", f)
	}
}

// apply does what a finding says: it runs the command, or puts the lines into the file.
func (p patient) apply(t *testing.T, f doctor.Finding) {
	t.Helper()
	if f.File == "" {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", f.Fix)
		cmd.Env = append(os.Environ(), "PATH="+daemon.Built(t)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		// `cache verify` tells by its exit code that there was damage.
		if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !(ok && exit.ExitCode() == 1 && f.Check == "cache") {
			t.Fatalf("%s: %v: %s", f.Fix, err, out)
		}
		return
	}
	old, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	text := append(append(old, '\n'), f.Fix...)
	if filepath.Ext(f.File) == ".json" {
		text = merged(t, old, []byte(f.Fix))
	}
	if err := os.WriteFile(f.File, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// merged is a JSON object with what another one has, tables put together, as a person would.
func merged(t *testing.T, a, b []byte) []byte {
	t.Helper()
	var x, y map[string]any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	for key, value := range y {
		table, ok := value.(map[string]any)
		old, ok2 := x[key].(map[string]any)
		if !ok || !ok2 {
			x[key] = value
			continue
		}
		for k, v := range table {
			old[k] = v
		}
	}
	out, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rewrite changes a file.
func rewrite(t *testing.T, path string, pairs ...string) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(pairs...).Replace(string(old))
	if text == string(old) {
		t.Fatalf("%s has none of %q", path, pairs)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// finding is the finding of that name.
func finding(t *testing.T, r doctor.Report, part, check string) doctor.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Part == part && f.Check == check {
			return f
		}
	}
	t.Fatalf("nothing of %s, %s in %+v", part, check, r)
	return doctor.Finding{}
}

// mustBeWell fails if anything that is there is not good.
func (p patient) mustBeWell(t *testing.T, args ...string) {
	t.Helper()
	r, code := p.examine(t, args...)
	for _, f := range r.Findings {
		if f.Grade == doctor.Failure || f.Grade == doctor.Warning && f.Part != "host" {
			t.Errorf("%+v", f)
		}
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestDoctorOfContainerd(t *testing.T) {
	daemon.NeedRoot(t)
	dir := t.TempDir()
	settings := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(settings, []byte("cache-max = '1GiB'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := patient{ContainerdDaemon: daemon.Containerd(t, daemon.Path(dir), daemon.Env("WASMGO_CONFIG_FILE="+settings))}
	installed := filepath.Join(dir, "containerd-shim-wasmgo-v1")
	mode := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	p.heal(t, complaint{"containerd", "shim", doctor.Failure, "there is no containerd-shim-wasmgo-v1 along containerd's PATH"}, nil)
	p.mustBeWell(t)
	mode(installed, 0o644)
	p.heal(t, complaint{"containerd", "shim", doctor.Failure, installed + " is not executable"}, nil)
	mode(installed, 0o777)
	p.heal(t, complaint{"containerd", "shim", doctor.Failure, "can be written by others"}, nil)
	if err := os.WriteFile(installed, []byte("#!/bin/sh\nprintf io.containerd.wasmgo.v1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.heal(t, complaint{"containerd", "shim", doctor.Warning, "another version"}, nil)
	if err := os.MkdirAll(p.Root(), 0o700); err != nil { // there is none yet where WASMGO_PROGRAMS takes the place of unpacked ones
		t.Fatal(err)
	}
	mode(p.Root(), 0o777)
	if r, _ := p.examine(t); finding(t, r, "containerd", "shim runs").Grade != doctor.OK && finding(t, r, "shim", "root directory").Grade == doctor.OK {
		t.Errorf("%+v", r)
	}
	p.heal(t, complaint{"shim", "root directory", doctor.Failure, "can be written by others than root"}, nil)
	entry := filepath.Join(p.Root(), "code", strings.Repeat("ab", 32))
	if err := errors.Join(os.MkdirAll(entry, 0o700), os.WriteFile(filepath.Join(entry, "meta"), []byte("{"), 0o400)); err != nil {
		t.Fatal(err)
	}
	p.heal(t, complaint{"shim", "cache", doctor.Warning, "1 of 1 entries are damaged"}, nil)

	rewrite(t, settings, "cache-max", "cache-maxx")
	r, code := p.examine(t)
	if f := finding(t, r, "shim", "settings"); f.Grade != doctor.Failure || !strings.Contains(f.Found, "line 1") || !strings.Contains(f.Found, "did you mean cache-max?") || code != 1 {
		t.Errorf("%+v, exit code %d", f, code)
	}
	rewrite(t, settings, "cache-maxx", "cache-max")

	own := filepath.Join(p.Dir, "containerd.toml")
	rewrite(t, own, "version = 2", "version = = 2")
	if r, code := p.examine(t); finding(t, r, "containerd", "configuration").Grade != doctor.Failure || code != 1 {
		t.Errorf("%+v, exit code %d", r, code)
	}
	rewrite(t, own, "version = = 2", "version = 2")
	p.mustBeWell(t)

	t.Run("for people", func(t *testing.T) {
		out, code := p.shim(t, "doctor", "--address", p.Address, "--docker", filepath.Join(p.Dir, "none"))
		if code != 0 || !strings.Contains(string(out), "\n  ok    shim: "+installed+"\n") || !strings.Contains(string(out), "\n  none  daemon: there is no socket") {
			t.Errorf("exit code %d:\n%s", code, out)
		}
	})
	t.Run("a socket that is not there", func(t *testing.T) {
		r, code := p.examine(t, "--address", filepath.Join(p.Dir, "nobody"))
		if f := finding(t, r, "containerd", "daemon"); f.Grade != doctor.Failure || !strings.Contains(f.Found, "there is no socket") || code != 1 {
			t.Errorf("%+v, exit code %d", f, code)
		}
	})
	t.Run("a use that is none", func(t *testing.T) {
		if _, code := p.shim(t, "doctor", "--for", "nothing"); code != 2 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestRootOfTheFile: the launcher unpacks its programs where the file of settings says.
func TestRootOfTheFile(t *testing.T) {
	dir := t.TempDir()
	root, config := filepath.Join(dir, "root"), filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte("root = '"+root+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(daemon.Built(t), "containerd-shim-wasmgo-v1"), "config", "show", "--address", filepath.Join(dir, "none"))
	cmd.Env = append(os.Environ(), "WASMGO_CONFIG_FILE="+config, "WASMGO_ROOT=", "WASMGO_PROGRAMS=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), config+", line 1") {
		t.Errorf("%v: %s", err, out)
	}
	if programs, err := filepath.Glob(filepath.Join(root, "programs", "*", "wasmgo")); err != nil || len(programs) != 1 {
		t.Errorf("unpacked: %q, %v", programs, err)
	}
}

func TestDoctorOfCRI(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range []string{daemon.Containerd2, daemon.Containerd17} {
		t.Run(version, func(t *testing.T) { doctorOfCRI(t, version) })
	}
}

func doctorOfCRI(t *testing.T, version string) {
	opts := []daemon.Option{daemon.Version(version)}
	if version == daemon.Containerd2 {
		opts = append(opts, daemon.LocalPull())
	}
	d := daemon.CRI(t, opts...)
	p := patient{ContainerdDaemon: d.Containerd, args: []string{"--for", "kubernetes"}}
	p.mustBeWell(t)
	restart := func() {
		d.Containerd.Stop(t)
		d.Start(t)
	}
	config := filepath.Join(p.Dir, "containerd.toml")
	if version == daemon.Containerd2 {
		rewrite(t, config, "[plugins.\"io.containerd.cri.v1.images\"]\n  use_local_image_pull = true\n", "")
		restart()
		p.heal(t, complaint{"cri", "images", doctor.Warning, "tar layers for wasi/wasm"}, restart)
	}
	rewrite(t, config, `pod_annotations = ["io.containerd.wasmgo.*"]`, "")
	restart()
	r, code := p.examine(t)
	if f := finding(t, r, "cri", "runtime"); f.Grade != doctor.Warning || !strings.Contains(f.Found, "does not hand annotations on") || code != 0 {
		t.Errorf("%+v, exit code %d", f, code)
	}
	rewrite(t, config, `runtimes.`+daemon.Handler+`]`, `runtimes.other]`, `default_runtime_name = "`+daemon.Handler+`"`, `default_runtime_name = "other"`,
		`runtime_type = "`+daemon.Runtime+`"`, `runtime_type = "`+daemon.RuncRuntime+`"`)
	restart()
	p.heal(t, complaint{"cri", "runtime", doctor.Failure, "no runtime handler of CRI is io.containerd.wasmgo.v1"}, restart)
	p.mustBeWell(t)
}

func TestDoctorOfDocker(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Dockerd(t)
	p := patient{ContainerdDaemon: d.Containerd, docker: d.Host, args: []string{"--for", "docker"}}
	p.mustBeWell(t)
	t.Run("dockerd's containerd is another than the one that is asked for", func(t *testing.T) {
		r, code := p.examine(t, "--address", filepath.Join(p.Dir, "nobody"))
		if f := finding(t, r, "docker's containerd", "shim"); f.Grade != doctor.OK || code != 1 {
			t.Errorf("%+v, exit code %d", f, code)
		}
	})
	config := filepath.Join(p.Dir, "docker", "daemon.json")
	restart := func() {
		d.Stop(t)
		d.Start(t)
	}
	t.Run("the options of a runtime in daemon.json hold", func(t *testing.T) {
		image := helloImage(t)
		d.Load(t, image)
		options := filepath.Join(t.TempDir(), "options.toml")
		if err := os.WriteFile(options, []byte("http-timeout = '10s'\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		rewrite(t, config, `"runtimes":{`, `"runtimes":{"bounded":{"runtimeType":"`+daemon.Runtime+`","options":{"ConfigPath":"`+options+`"}},`)
		restart()
		run := func(timeout string) daemon.Result {
			return d.Docker(t, "run", "--rm", "--runtime", "bounded", "--network", "none", "--platform", "wasi/wasm",
				"--annotation", "io.containerd.wasmgo.http-timeout="+timeout, image.Name, "/hello.wasm").Run(t)
		}
		if r := run("5s"); r.Code != 0 || r.Stdout != "hello from wasm\n" {
			t.Errorf("%+v", r)
		}
		if r := run("1m"); r.Code == 0 || !strings.Contains(r.Stderr, "1m is more than the 10s that the operator allows ("+options+", line 1)") {
			t.Errorf("%+v", r)
		}
	})
	rewrite(t, config, `"containerd-snapshotter":true`, `"containerd-snapshotter":false`, `"wasmgo":{"runtimeType":"`+daemon.Runtime+`"}`, `"wasmgo":{"path":"/usr/bin/containerd-shim-wasmgo-v1"}`)
	restart()
	p.heal(t, complaint{"docker", "image store", doctor.Failure, "in its own store"}, restart)
	p.heal(t, complaint{"docker", "runtime", doctor.Failure, "set up as a program like runc"}, restart)
	p.mustBeWell(t)
}
