package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bootTimeout is what a machine has for all it does. Booting takes 5 to 20 s on the two slow cores this was written on, and the
// rest is the tests'.
const bootTimeout = 4 * time.Minute

// machine is one virtual machine and what it will run.
type machine struct {
	t       testing.TB
	dir     string // build/vm
	image   string // the initramfs
	file    *os.File
	files   *archive
	applets []string // of busybox
	script  strings.Builder
}

// newMachine begins a machine with the file system all of them have: busybox in /bb, the tests in /test. It skips the
// test when something to make it of is missing. wants are further files in build/vm.
func newMachine(t testing.TB, wants ...string) *machine {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a virtual machine, which -short leaves out")
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", "build", "vm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("needs qemu-system-x86_64: run test/vm/install.sh")
	}
	for _, want := range append([]string{"vmlinuz", "overlay.ko", "busybox"}, wants...) {
		if _, err := os.Stat(filepath.Join(dir, want)); err != nil {
			t.Skipf("needs build/vm/%s: run test/vm/install.sh", want)
		}
	}
	m := &machine{t: t, dir: dir, image: filepath.Join(t.TempDir(), "initramfs")}
	if m.file, err = os.Create(m.image); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.file.Close() })
	m.files = newArchive(t, m.file)
	for _, name := range []string{"dev", "proc", "sys", "run", "tmp", "etc", "var", "root", "newroot"} {
		m.files.dir(name)
	}
	// The console must be there before anything can be mounted over it.
	m.files.device("dev/console", 5, 1)
	m.files.device("dev/null", 1, 3)
	m.files.file("bb/busybox", filepath.Join(dir, "busybox"), 0o755)
	applets, err := exec.Command(filepath.Join(dir, "busybox"), "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	m.applets = strings.Fields(string(applets))
	for _, applet := range m.applets {
		if applet != "busybox" {
			m.files.symlink("bb/"+applet, "busybox")
		}
	}
	m.files.file("bb/overlay.ko", filepath.Join(dir, "overlay.ko"), 0o644)
	return m
}

// compile adds a package's tests, compiled for a machine without libraries, and returns the name of their directory in /test.
func (m *machine) compile(pkg string) string {
	m.t.Helper()
	name := strings.ReplaceAll(pkg, "/", "-")
	binary := filepath.Join(m.t.TempDir(), "test")
	cmd := exec.Command("go", "test", "-c", "-o", binary, "./"+pkg)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("compile the tests of %s: %v\n%s", pkg, err, out)
	}
	m.files.file("test/"+name+"/test", binary, 0o755)
	return name
}

// run has the machine run a package's tests, with their testdata, with more flags and in the environment given.
func (m *machine) run(pkg, flags string, env ...string) {
	m.t.Helper()
	name := m.compile(pkg)
	m.files.tree("test/"+name+"/testdata", filepath.Join("..", "..", pkg, "testdata"))
	m.command(name, "cd /test/"+name+" && "+strings.Join(append(env, "./test -test.v -test.timeout 3m", flags), " "))
}

// runSandbox adds the tests of pkg/sandbox with the stand-in for the runner that they otherwise build themselves, in the way
// they do.
func (m *machine) runSandbox(flags string) {
	m.t.Helper()
	runner := filepath.Join(m.t.TempDir(), "runner")
	cmd := exec.Command("go", "build", "-ldflags=-linkmode external -extldflags -static", "-o", runner, "./pkg/sandbox/testdata/runner")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("build the stand-in for the runner: %v\n%s", err, out)
	}
	m.files.file("test/runner/runner", runner, 0o755)
	pause := filepath.Join(m.t.TempDir(), "pause")
	cmd = exec.Command("gcc", "-static", "-o", pause, "cmd/wasmgo-pause/pause.c")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("build the pause: %v\n%s", err, out)
	}
	m.files.file("test/runner/pause", pause, 0o755)
	m.run("pkg/sandbox", flags, "WASMGO_TEST_RUNNER=/test/runner")
}

// command adds a shell command to what the machine runs, under a name.
func (m *machine) command(name, command string) {
	fmt.Fprintf(&m.script, "echo; echo '@@ begin %s'\n( %s )\necho \"@@ end %s $?\"\n", name, command, name)
}

// mounts is the part of /init that every machine has. The kernel unpacks an initramfs into the root it cannot move away
// from, and pivot_root refuses to; bound onto itself and moved over, the same files are a root like any other.
const mounts = `
mount -o bind / /newroot
cd /newroot
mount -o move . /
exec chroot . /bb/busybox sh /init2
`

// init2 goes on in that root.
const init2 = `#!/bb/busybox sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 none /sys/fs/cgroup
insmod /bb/overlay.ko
ip link set lo up
`

// The parameters of a kernel with cgroup v2 alone, and of one where systemd mounts the v1 hierarchies, and v2 without controllers.
const (
	unified = "cgroup_no_v1=all systemd.unified_cgroup_hierarchy=1"
	hybrid  = "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0"
)

// boot starts the machine with more parameters to the kernel, and returns what each of the commands wrote and its status, by name.
func (m *machine) boot(kernel string) map[string]result {
	m.t.Helper()
	m.files.text("init", "#!/bb/busybox sh\nexport PATH="+searchPath+"\n"+mounts, 0o755)
	m.files.text("test/run", "#!/bb/busybox sh\nexport PATH="+searchPath+" HOME=/root\n"+m.script.String()+"echo '@@ done'\n", 0o755)
	m.files.close()
	if err := m.file.Close(); err != nil {
		m.t.Fatal(err)
	}

	results, err := m.power(kernel)
	for try := 1; try < maxBoots && errors.Is(err, errStandstill); try++ {
		// Seen twice in dozens of runs, and not explained. It is hardly the tests in the machine: each has a shorter limit, at which it
		// would fail with its stacks, and a test that hangs does not keep a machine from that.
		m.t.Logf("%v; once more", err)
		results, err = m.power(kernel)
	}
	if err != nil {
		m.t.Error(err)
	}
	return results
}

// maxBoots is how often a machine is booted that stands still.
const maxBoots = 3

// standstill is how long a machine may write nothing. Every command in it has a shorter limit for its own.
const standstill = 2 * time.Minute

var (
	errEarly      = errors.New("the machine ended early")
	errStandstill = errors.New("the machine stood still")
)

// power runs the machine from its start to its end.
func (m *machine) power(kernel string) (map[string]result, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), bootTimeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	still := time.AfterFunc(standstill, func() { stop(errStandstill) })
	defer still.Stop()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		"-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-m", "2048", "-smp", "2",
		"-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot",
		"-kernel", filepath.Join(m.dir, "vmlinuz"), "-initrd", m.image,
		"-append", "console=ttyS0 quiet loglevel=3 panic=-1 systemd.show_status=0 mitigations=off "+kernel)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	heard := readerFunc(func(p []byte) (int, error) {
		n, err := out.Read(p)
		still.Reset(standstill)
		return n, err
	})
	results, console, done := readConsole(bufio.NewReader(heard), func() { m.t.Logf("ready after %.1f s", time.Since(started).Seconds()) })
	err = cmd.Wait()
	m.t.Logf("the machine ran for %.1f s", time.Since(started).Seconds())
	if err != nil || !done {
		return results, fmt.Errorf("%w\n%s", errors.Join(errEarly, err, context.Cause(ctx)), console)
	}
	return results, nil
}

// readerFunc is an io.Reader.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

const searchPath = "/usr/sbin:/usr/bin:/sbin:/bin:/bb"

// result is what one command did.
type result struct {
	output string
	status string // "" when it did not end
}

var mark = regexp.MustCompile(`@@ (begin|end|done) ?(\S*) ?(\S*)`)

// readConsole takes the output of a machine apart. console is its end, for a report; done tells that the machine
// got to its own end. ready is called at the first begin.
func readConsole(r *bufio.Reader, ready func()) (results map[string]result, console string, done bool) {
	results = make(map[string]result)
	var current string
	var tail []string
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if line != "" {
			tail = append(tail, line)
			tail = tail[max(0, len(tail)-200):]
		}
		if found := mark.FindStringSubmatch(line); found != nil {
			switch found[1] {
			case "begin":
				if len(results) == 0 {
					ready()
				}
				current = found[2]
				results[current] = result{}
			case "end":
				results[found[2]] = result{output: results[found[2]].output, status: found[3]}
				current = ""
			case "done":
				done = true
			}
		} else if current != "" {
			results[current] = result{output: results[current].output + line + "\n"}
		}
		if err != nil {
			return results, strings.Join(tail, "\n"), done
		}
	}
}

// exists reports whether a file is there.
func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}
