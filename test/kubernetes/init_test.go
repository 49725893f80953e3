package kubernetes

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// initVariable has this program be the init of a machine, and names the machine's directory.
const initVariable = "WASMGO_TEST_MACHINE"

func TestMain(m *testing.M) {
	dir := os.Getenv(initVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := runInit(dir); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	}
}

// runInit makes the machine of the namespaces it is born in, says so on stdout, and reaps until stdin ends.
func runInit(dir string) error {
	if err := mountAll(dir); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(nodeName)); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	end := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin) // whatever ends it, it is the end
		close(end)
	}()
	fmt.Println("ready")
	for {
		select {
		case <-end:
			return nil
		case <-children:
			for {
				if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != nil && !errors.Is(err, unix.EINTR) || pid == 0 {
					break
				}
			}
		}
	}
}

// tunables are what kubelet sets for the whole kernel. In the machine they are files.
var tunables = map[string]string{
	"vm/overcommit_memory":     "1\n",
	"vm/panic_on_oom":          "0\n",
	"kernel/panic":             "10\n",
	"kernel/panic_on_oops":     "1\n",
	"kernel/keys/root_maxkeys": "1000000\n", "kernel/keys/root_maxbytes": "25000000\n",
}

// mountAll makes dir/root the root of this mount namespace.
func mountAll(dir string) error {
	root := filepath.Join(dir, "root")
	m := mounter{root: root}
	m.mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, "")
	m.mount(root, root, "", unix.MS_BIND, "")
	for _, path := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib64"} {
		m.same(path)
	}
	for path, below := range map[string]string{"/etc": "etc", "/usr/local": "local"} {
		lower := path
		if path == "/usr/local" {
			lower = filepath.Join(dir, "empty") // nothing of what the host's administrator has installed
		}
		upper, work := filepath.Join(dir, below, "upper"), filepath.Join(dir, below, "work")
		m.dirs(lower, upper, work)
		m.mount("overlay", m.at(path), "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work)
	}
	m.mount("proc", m.at("/proc"), "proc", 0, "")
	m.mount("sysfs", m.at("/sys"), "sysfs", 0, "")
	m.mount("/sys/fs/cgroup", m.at("/sys/fs/cgroup"), "", unix.MS_BIND|unix.MS_REC, "")
	m.mount("tmpfs", m.at("/dev"), "tmpfs", 0, "mode=755")
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "kmsg"} {
		device := filepath.Join(root, "dev", name)
		m.file(device, "")
		m.mount("/dev/"+name, device, "", unix.MS_BIND, "")
	}
	m.mount("devpts", m.at("/dev/pts"), "devpts", 0, "newinstance,ptmxmode=666,mode=620")
	m.mount("tmpfs", m.at("/dev/shm"), "tmpfs", 0, "")
	m.link("pts/ptmx", filepath.Join(root, "dev/ptmx"))
	m.link("/proc/self/fd", filepath.Join(root, "dev/fd"))
	for name, value := range tunables {
		file := filepath.Join(dir, "tunables", filepath.Base(name))
		m.dirs(filepath.Dir(file))
		m.file(file, value)
		m.mount(file, filepath.Join(root, "proc/sys", name), "", unix.MS_BIND, "")
	}
	m.mount(toolsOf(dir), m.at("/tools"), "", unix.MS_BIND|unix.MS_REC, "")
	m.dirs(filepath.Join(root, "run"), filepath.Join(root, "var/log"), filepath.Join(root, "tmp"), filepath.Join(root, "root"), filepath.Join(root, ".host"))
	if m.err != nil {
		return m.err
	}
	if err := unix.PivotRoot(root, filepath.Join(root, ".host")); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/.host", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount", err)
	}
	// As systemd does: volumes are shared with containers.
	return os.NewSyscallError("mount --make-rshared", unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""))
}

// toolsOf names the link in a machine's directory to what is its /tools.
func toolsOf(dir string) string { return filepath.Join(dir, "tools") }

// mounter does one thing after the other until one goes wrong.
type mounter struct {
	root string
	err  error
}

// at makes a directory of the machine, and returns its path on the host.
func (m *mounter) at(path string) string {
	full := filepath.Join(m.root, path)
	m.dirs(full)
	return full
}

func (m *mounter) dirs(paths ...string) {
	for _, path := range paths {
		if m.err == nil {
			m.err = os.MkdirAll(path, 0o755)
		}
	}
}

func (m *mounter) file(path, content string) {
	if m.err == nil {
		m.err = os.WriteFile(path, []byte(content), 0o644)
	}
}

func (m *mounter) link(target, path string) {
	if m.err == nil {
		m.err = os.Symlink(target, path)
	}
}

func (m *mounter) mount(source, target, kind string, flags uintptr, data string) {
	if m.err != nil {
		return
	}
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		m.err = &os.PathError{Op: "mount", Path: target, Err: err}
	}
}

// same gives the machine a directory of the host, or the link that it is there.
func (m *mounter) same(path string) {
	target, err := os.Readlink(path)
	switch {
	case err == nil:
		m.link(target, filepath.Join(m.root, path))
	case errors.Is(err, unix.EINVAL):
		m.mount(path, m.at(path), "", unix.MS_BIND|unix.MS_REC, "")
		if path != "/usr" { // where /usr/local is mounted later
			m.mount("", m.at(path), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}
	case !errors.Is(err, unix.ENOENT):
		m.err = errors.Join(m.err, err)
	}
}
