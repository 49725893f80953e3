package doctor

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/pkg/peer"
)

// find is the finding of that name in a report.
func find(t *testing.T, r Report, part, check string) Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Part == part && f.Check == check {
			return f
		}
	}
	t.Fatalf("nothing about %s, %s in %+v", part, check, r)
	return Finding{}
}

func TestSocketsThatAreNotThere(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	r := Examine(t.Context(), Config{Containerd: none, Docker: "unix://" + none})
	if f := find(t, r, "containerd", "daemon"); f.Grade != Failure || f.Found != "there is no socket "+none || !strings.HasPrefix(f.Fix, "systemctl start containerd ") {
		t.Errorf("%+v", f)
	}
	if f := find(t, r, "docker", "daemon"); f.Grade != Skipped {
		t.Errorf("docker is not asked for: %+v", f)
	}
	if r.Failed == 0 {
		t.Error("nothing has failed")
	}
	r = Examine(t.Context(), Config{Containerd: none, Docker: none, For: []string{ForDocker}})
	if f := find(t, r, "docker", "daemon"); f.Grade != Failure || !strings.HasPrefix(f.Fix, "systemctl start docker ") {
		t.Errorf("docker is asked for: %+v", f)
	}
}

func TestSocketOfSomebodyElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	defer func() {
		_ = web.Close()
		<-served
	}()
	r := Examine(t.Context(), Config{Containerd: path, Docker: path})
	if f := find(t, r, "containerd", "daemon"); f.Grade != Failure || !strings.Contains(f.Found, "does not answer as containerd") {
		t.Errorf("%+v", f)
	}
	if f := find(t, r, "docker", "daemon"); f.Grade != Failure || !strings.Contains(f.Found, "404") {
		t.Errorf("%+v", f)
	}
}

// TestDockersAnswers is what dockerd may answer, without a dockerd. The integration tests have real ones.
func TestDockersAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, info  string
		api         string
		check       string
		grade       Grade
		found, file string
	}{
		{"containerd's image store", `{"ServerVersion":"29.1.0","Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}`, "1.56", "image store", OK, "overlayfs", ""},
		{"docker's own image store", `{"ServerVersion":"28.0.1","Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]]}`, "1.56", "image store", Failure, "overlay2", "/etc/docker/daemon.json"},
		{"an old docker", `{"ServerVersion":"20.10.5+dfsg1"}`, "1.41", "daemon", Failure, "older than 24", ""},
		{"a version that is none", `{"ServerVersion":"dev"}`, "1.56", "daemon", OK, "dev", ""},
		{"a name of ours", `{"Runtimes":{"runc":{"path":"runc"},"w":{"runtimeType":"io.containerd.wasmgo.v1"}}}`, "1.56", "runtime", OK, "or w", ""},
		{"no name", `{"Runtimes":{"runc":{"path":"runc"}}}`, "1.56", "runtime", OK, "io.containerd.wasmgo.v1", ""},
		{"the shim's path", `{"Runtimes":{"wasm":{"path":"/usr/bin/containerd-shim-wasmgo-v1"}}}`, "1.56", "runtime", Failure, "the runtime wasm is set up as a program like runc", "/etc/docker/daemon.json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Api-Version", tt.api)
				_, _ = w.Write([]byte(tt.info))
			})}
			served := make(chan error, 1)
			go func() { served <- web.Serve(l) }()
			defer func() {
				_ = web.Close()
				<-served
			}()
			d := &doctor{Config: Config{Docker: path}}
			d.docker(t.Context(), "")
			f := find(t, d.report, "docker", tt.check)
			if f.Grade != tt.grade || !strings.Contains(f.Found, tt.found) || f.File != tt.file {
				t.Errorf("%+v", f)
			}
			if (f.Fix == "") != (tt.grade == OK) {
				t.Errorf("fix %q", f.Fix)
			}
			if f.File != "" && !json.Valid([]byte(f.Fix)) {
				t.Errorf("no JSON: %s", f.Fix)
			}
		})
	}
}

func TestControlGroups(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		grade Grade
		found string
	}{
		{"v2", map[string]string{"cgroup.controllers": "cpuset cpu io memory hugetlb pids\n"}, OK, "v2 with cpuset, cpu, io, memory, hugetlb, pids"},
		{"v2 without memory", map[string]string{"cgroup.controllers": "cpu pids"}, Warning, "limits of memory are refused"},
		{"v1", map[string]string{"cpu,cpuacct/cgroup.procs": "", "memory/cgroup.procs": "", "pids/cgroup.procs": ""}, OK, "v1 with cpu, cpuacct, memory, pids"},
		{"v1 without pids", map[string]string{"cpu/cgroup.procs": "", "memory/cgroup.procs": ""}, Warning, "limits of pids are refused"},
		{"none", nil, Failure, "none are mounted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, content := range tt.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d := &doctor{}
			d.cgroups(root)
			if f := d.report.Findings[0]; f.Grade != tt.grade || !strings.Contains(f.Found, tt.found) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{"v2.4.2": true, "1.7.35~ds1": true, "1.6.20": false, "v1.10": true, "dev": true, "": true} {
		if got := atLeast(version, 1, 7); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

func TestSnippetsAreInTheVersionOfTheFile(t *testing.T) {
	for _, tt := range []struct{ name, file, version, want string }{
		{"the newest", "version = 4", "v2.4.2", `[plugins."io.containerd.cri.v1.runtime".containerd`},
		{"containerd 1's, read by containerd 2", "version = 2", "v2.4.2", `[plugins."io.containerd.grpc.v1.cri".containerd`},
		{"the oldest", "root = '/x'", "1.7.35", `[plugins."cri".containerd`},
		{"no file, containerd 2", "", "v2.4.2", "version = 3\n[plugins.\"io.containerd.cri.v1"},
		{"no file, containerd 1", "", "1.7.35", "version = 2\n[plugins.\"io.containerd.grpc.v1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			if tt.file != "" {
				if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := &daemon{version: tt.version, args: []string{"containerd", "--config", path}}
			if got := c.snippet(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestPrint(t *testing.T) {
	r := Report{Failed: 1, Warned: 1, Findings: []Finding{
		{Part: "host", Check: "kernel", Grade: OK, Found: "Linux\x1b[2J\u009b 6"},
		{Part: "docker", Check: "image store", Grade: Failure, Found: "its own", File: "/etc/docker/daemon.json", Fix: "{\n}", Then: "systemctl restart docker"},
		{Part: "docker", Check: "x", Grade: Warning, Found: "y", Fix: "chmod 755 z"},
	}}
	var b bytes.Buffer
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	const want = `host
  ok    kernel: Linux [2J  6
docker
  fail  image store: its own
        fix: in /etc/docker/daemon.json
            {
            }
        then: systemctl restart docker
  warn  x: y
        fix: chmod 755 z
1 failed, 1 warned, of 3
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	var again Report
	if err := r.PrintJSON(&b); err != nil || json.Unmarshal(b.Bytes(), &again) != nil || len(again.Findings) != 3 || again.Findings[1].Then != "systemctl restart docker" {
		t.Errorf("%v in\n%s", err, b.String())
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"/usr/bin/x-1.2": "/usr/bin/x-1.2", "/a b": "'/a b'", "": "''", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := quote(word); got != want {
			t.Errorf("%q: %s", word, got)
		}
	}
}

// TestWhatAnotherUserRuns: whoever may make a socket must not have root run a program for them, nor in their environment.
func TestWhatAnotherUserRuns(t *testing.T) {
	d := &doctor{}
	c := &daemon{address: "/tmp/s", process: peer.Process{Pid: os.Getpid(), UID: os.Geteuid() + 12}}
	d.processOf(c)
	d.configOf(t.Context(), c)
	if path := d.installed(c); path != "" || c.environ != nil || c.config != nil {
		t.Errorf("%s was found by the environment %q", path, c.environ)
	}
	if len(d.report.Findings) != 1 || d.report.Warned != 1 || !strings.Contains(d.report.Findings[0].Found, "/tmp/s") {
		t.Errorf("findings %+v", d.report.Findings)
	}
	c.process.UID = os.Geteuid()
	if d.processOf(c); c.environ == nil {
		t.Error("one of this user's is not looked at")
	}
}
