package sandbox

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// source makes a directory of the host with a file "f" in it, and returns its path.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("host\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func bindMount(src, dst string, opts ...string) specs.Mount {
	return specs.Mount{Type: "bind", Source: src, Destination: dst, Options: append([]string{"rbind"}, opts...)}
}

// mounted lists the mounts of a process, "point options propagation fstype", without its root.
func mounted(t *testing.T, p *Process) []string {
	t.Helper()
	info, err := os.ReadFile(procFile(p, "mountinfo"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(info)) {
		front, back, _ := strings.Cut(line, " - ")
		f := strings.Fields(front)
		if f[4] == "/" {
			continue
		}
		list = append(list, strings.Join([]string{f[4], f[5], strings.Join(f[6:], ","), strings.Fields(back)[0]}, " "))
	}
	return list
}

func TestMountsAreMadeAsTheSpecAsks(t *testing.T) {
	b := newBox(t, "cat /a/b/f", "write /a/b/f guest", "write /ro/f guest", "write /file more", "cat /rel/f", "ls /proc", "ls /sys", "stat /dev/pts/ptmx", "readlink /dev/ptmx")
	rw, ro := source(t), source(t)
	file := filepath.Join(source(t), "f")
	if err := os.Mkdir(filepath.Join(b.Bundle, "vol"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Bundle, "vol", "f"), []byte("relative\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Spec.Mounts = []specs.Mount{
		{Type: "proc", Source: "proc", Destination: "/proc", Options: []string{"nosuid"}},
		{Type: "tmpfs", Source: "tmpfs", Destination: "/dev", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Type: "devpts", Source: "devpts", Destination: "/dev/pts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Type: "tmpfs", Source: "shm", Destination: "/dev/shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Type: "mqueue", Source: "mqueue", Destination: "/dev/mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Type: "sysfs", Source: "sysfs", Destination: "/sys", Options: []string{"ro"}},
		{Type: "cgroup", Source: "cgroup", Destination: "/sys/fs/cgroup", Options: []string{"ro"}},
		bindMount("/proc", "/proc"),
		bindMount(rw, "/a/b", "rprivate"),
		bindMount(ro, "/ro", "ro", "nosuid", "nodev", "noexec"),
		bindMount(file, "/file"),
		bindMount("vol", "rel"),
	}
	p := b.start(t)
	want := []string{
		"/a/b rw,relatime ",
		"/dev rw,nosuid  tmpfs",
		"/dev/mqueue rw,nosuid,nodev,noexec,relatime  mqueue",
		"/dev/pts rw,nosuid,noexec,relatime  devpts",
		"/dev/shm rw,nosuid,nodev,noexec,relatime  tmpfs",
		"/file rw,relatime ",
		"/rel rw,relatime ",
		"/ro ro,nosuid,nodev,noexec,relatime ",
	}
	got := mounted(t, p)
	slices.Sort(got)
	// Where the sources are, on a shared mount or one without relatime, is the host's business.
	ofHost := regexp.MustCompile(`,relatime|master:\d+`)
	for i := range got {
		got[i] = ofHost.ReplaceAllString(got[i], "")
	}
	for i := range want {
		want[i] = ofHost.ReplaceAllString(want[i], "")
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	wantOut := `host
write /ro/f guest: open /ro/f: read-only file system
relative

ls /proc: open /proc: no such file or directory

ls /sys: open /sys: no such file or directory
/dev/pts/ptmx Dcrw-rw-rw- 0 0 5 2
/dev/pts/ptmx
`
	if got := strings.ReplaceAll(b.output(t), "\n\n", "\n"); got != strings.ReplaceAll(wantOut, "\n\n", "\n") {
		t.Errorf("got %q, want %q", got, wantOut)
	}
	for name, want := range map[string]string{filepath.Join(rw, "f"): "guest", filepath.Join(ro, "f"): "host\n", file: "more"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: got %q %v, want %q", name, got, err, want)
		}
	}
}

func TestRecursiveAttributesReachTheMountsBelow(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		opts []string
		want string
	}{
		"ro is for the top alone":   {[]string{"ro"}, "read-only file system,below"},
		"rro is for all":            {[]string{"rro"}, "read-only file system,read-only file system"},
		"bind leaves the rest away": {[]string{"bind"}, "top,no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "write /v/f top", "write /v/sub/f below", "cat /v/f", "cat /v/sub/f")
			src := source(t)
			sub := filepath.Join(src, "sub")
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", sub, "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(sub, unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			if err := os.WriteFile(filepath.Join(sub, "only"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			m := specs.Mount{Source: src, Destination: "/v", Options: c.opts}
			if c.opts[0] != "bind" {
				m.Options = append([]string{"rbind"}, c.opts...)
			}
			b.Spec.Mounts = []specs.Mount{m}
			p := b.start(t)
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Wait()
			_, err := os.Stat(filepath.Join(sub, "f"))
			below := err == nil
			out := b.output(t)
			switch c.opts[0] {
			case "ro":
				if !strings.Contains(out, "/v/f: read-only") || !below {
					t.Errorf("got %q, below written: %v", out, below)
				}
			case "rro":
				if !strings.Contains(out, "/v/f: read-only") || !strings.Contains(out, "/v/sub/f: read-only") || below {
					t.Errorf("got %q, below written: %v", out, below)
				}
			case "bind":
				if out != "topbelow" || below {
					t.Errorf("got %q, below written: %v", out, below)
				}
			}
		})
	}
}

func TestProcBelowABindMountCannotBeWritten(t *testing.T) {
	b := newBox(t, "write /host/proc/self/mem x", "write /p/self/mem x")
	src := t.TempDir()
	if err := os.Mkdir(filepath.Join(src, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", filepath.Join(src, "proc"), "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(filepath.Join(src, "proc"), unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b.Spec.Mounts = []specs.Mount{bindMount(src, "/host"), bindMount("/proc", "/p", "rw")}
	want := `write /host/proc/self/mem x: open /host/proc/self/mem: read-only file system
write /p/self/mem x: open /p/self/mem: read-only file system
`
	if got, _ := b.run(t); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProcInTheRootItselfCannotBeWritten(t *testing.T) {
	for name, c := range map[string]struct{ rootfs []Mount }{
		"a root that is there already": {nil},
		"a root that is bind mounted":  {[]Mount{{Type: "bind", Options: []string{"rbind"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "write /p/self/mem x")
			root := filepath.Join(b.Bundle, "rootfs")
			b.file(t, "p/f", "")
			if err := unix.Mount("proc", root+"/p", "proc", 0, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(root+"/p", unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			for _, m := range c.rootfs {
				m.Source = root
				b.Rootfs = append(b.Rootfs, m)
			}
			if got, _ := b.run(t); got != "write /p/self/mem x: open /p/self/mem: read-only file system\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestPropagation(t *testing.T) {
	shared := source(t)
	needRoot(t)
	if err := unix.Mount(shared, shared, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(shared, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mount("", shared, "", unix.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root string
		opts []string
		want string // of the mount
	}{
		"by itself a mount follows the host": {"", nil, "master:"},
		"private does not":                   {"", []string{"rprivate"}, ""},
		"slave follows":                      {"", []string{"rslave"}, "master:"},
		"shared gives back":                  {"", []string{"rshared"}, "shared:"},
		"a shared root shares by itself":     {"rshared", nil, "shared:"},
		"a private root shares nothing":      {"rprivate", nil, ""},
		"nor does an unbindable one":         {"unbindable", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			b.Spec.Linux.RootfsPropagation = c.root
			b.Spec.Mounts = []specs.Mount{bindMount(shared, "/v", c.opts...)}
			p := b.start(t)
			for _, m := range mounted(t, p) {
				if !strings.HasPrefix(m, "/v ") {
					continue
				}
				got := strings.Split(m, " ")[2]
				if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				return
			}
			t.Error("no mount at /v")
		})
	}
}

func TestRootPropagation(t *testing.T) {
	for value, want := range map[string]string{"": "", "private": "", "shared": "shared:", "unbindable": "unbindable"} {
		t.Run("root "+value, func(t *testing.T) {
			b := newBox(t, "exit 0")
			b.Spec.Linux.RootfsPropagation = value
			p := b.start(t)
			info, err := os.ReadFile(procFile(p, "mountinfo"))
			if err != nil {
				t.Fatal(err)
			}
			front, _, _ := strings.Cut(string(info), " - ")
			got := strings.Join(strings.Fields(front)[6:], " ")
			slave := strings.HasPrefix(got, "master:") // of the host's mount, where that is shared
			if !strings.HasPrefix(got, want) || want == "" && got != "" && (value != "" || !slave) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestReadonlyRoot(t *testing.T) {
	b := newBox(t, "write /x y", "write /dev/shm/x y", "cat /dev/shm/x", "write /dev/null y")
	b.Spec.Root.Readonly = true
	b.Spec.Process.Cwd = "/made/first"
	b.Spec.Mounts = []specs.Mount{{Type: "tmpfs", Source: "shm", Destination: "/dev/shm"}}
	got, _ := b.run(t)
	if want := "write /x y: open /x: read-only file system\ny"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRemountOfTheRoot(t *testing.T) {
	b := newBox(t, "write /x y")
	b.Spec.Mounts = []specs.Mount{{Destination: "/", Options: []string{"remount", "ro"}}}
	b.file(t, "dev/keep", "")
	if got, _ := b.run(t); !strings.Contains(got, "read-only file system") {
		t.Errorf("got %q", got)
	}
}

func TestRootfsMounts(t *testing.T) {
	b := newBox(t, "cat /low", "cat /high", "write /high new")
	lower, upper, work := t.TempDir(), t.TempDir(), t.TempDir()
	for name, text := range map[string]string{lower + "/low": "low\n", lower + "/high": "hidden\n", upper + "/high": "high\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lowers := lower
	for range 60 { // more than a page of them
		dir := filepath.Join(t.TempDir(), strings.Repeat("d", 60))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		lowers += ":" + dir
	}
	b.Rootfs = []Mount{{Type: "overlay", Source: "overlay", Options: []string{"workdir=" + work, "upperdir=" + upper, "lowerdir=" + lowers}}}
	p := b.start(t)
	if seen := mountsOf(t, b.Bundle); len(seen) > 0 {
		t.Errorf("the host sees the container's mounts: %q", seen)
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	if got := b.output(t); got != "low\nhigh\n" {
		t.Errorf("got %q", got)
	}
	if got, err := os.ReadFile(upper + "/high"); err != nil || string(got) != "new" {
		t.Errorf("got %q %v, want what the guest wrote", got, err)
	}
}

func TestMaskedAndReadonlyPaths(t *testing.T) {
	b := newBox(t, "cat /secret", "ls /hidden", "write /hidden/x y", "write /fixed/f y", "cat /fixed/f", "write /secret y")
	b.file(t, "secret", "secret\n")
	b.file(t, "hidden/f", "")
	b.file(t, "fixed/f", "fixed\n")
	b.Spec.Linux.MaskedPaths = []string{"/proc/kcore", "/sys/firmware", "/secret", "/hidden", "/none", "/secret/none"}
	b.Spec.Linux.ReadonlyPaths = []string{"/proc/sys", "/fixed", "/none"}
	got, _ := b.run(t)
	want := "\nwrite /hidden/x y: open /hidden/x: read-only file system\nwrite /fixed/f y: open /fixed/f: read-only file system\nfixed\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
