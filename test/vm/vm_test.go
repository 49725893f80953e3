package vm

import (
	"regexp"
	"strings"
	"testing"
)

var nsenter = regexp.MustCompile(`^lib(64)?$|/nsenter$|/ld-linux|/lib(c\.so|selinux|pcre2-8)`)

// TestUnified runs the tests on a host with cgroup v2 alone and no systemd.
func TestUnified(t *testing.T) {
	m := newMachine(t, "systemd.tar")
	m.base()
	m.run("pkg/sandbox/cgroup", "")
	m.runSandbox("")
	results := m.boot(unified)
	report(t, "cgroup", results["pkg-sandbox-cgroup"])
	report(t, "sandbox", results["pkg-sandbox"])
}

// base makes the machine one of busybox alone.
func (m *machine) base() {
	m.t.Helper()
	m.files.symlink("bin", "bb")
	// busybox has an nsenter, but none that enters control group namespaces.
	m.files.tar(m.dir+"/systemd.tar", func(name string) bool { return !nsenter.MatchString(name) })
	m.files.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n", 0o644)
	m.files.text("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644)
	m.files.text("init2", init2+"/test/run\npoweroff -f\n", 0o755)
}

// TestSystemd runs the tests on a host with cgroup v2 that systemd rules: as a service, with the system bus.
func TestSystemd(t *testing.T) { testSystemd(t, unified, "") }

// TestSystemdHybrid does the same on one with the v1 hierarchies, but for the sandbox's tests whose groups are none of systemd's
// making: one of those was gone there while it was being set up, which looks like systemd's clearing away but was not traced.
func TestSystemdHybrid(t *testing.T) {
	testSystemd(t, hybrid, "-test.run 'Systemd|Destroy|Reclaim|CgroupNamespace'")
}

func testSystemd(t *testing.T, kernel, sandboxFlags string) {
	t.Helper()
	m := newMachine(t, "systemd.tar")
	m.files.text("etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0o444)
	m.files.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n", 0o644)
	m.files.text("etc/group", "root:x:0:\ntty:x:5:\nmessagebus:x:100:\nnogroup:x:65534:\n", 0o644)
	m.files.text("etc/systemd/system/wasmgo-test.target", "[Unit]\nRequires=dbus.socket wasmgo-test.service\nAllowIsolate=yes\n", 0o644)
	m.files.text("etc/systemd/system/wasmgo-test.service", `[Unit]
DefaultDependencies=no
After=dbus.socket
[Service]
Type=oneshot
ExecStart=/bb/busybox sh -c "/test/run; /bb/poweroff -f"
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
Delegate=yes
`, 0o644)
	// The bus without the services that a bare machine does not need.
	m.files.text("etc/systemd/system/dbus.socket", "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n", 0o644)
	m.files.text("etc/systemd/system/dbus.service", `[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation
StandardOutput=null
`, 0o644)
	m.files.tar(m.dir+"/systemd.tar", func(name string) bool {
		for _, prefix := range []string{"dev", "var", "usr/share/", "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/perl"} {
			if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "usr/share/dbus-1") {
				return true
			}
		}
		return false
	})
	for _, applet := range m.applets {
		if name := "bin/" + applet; !m.files.made[name] {
			m.files.symlink(name, "/bb/"+applet)
		}
	}
	m.run("pkg/sandbox/cgroup", "")
	// Systemd makes the groups, mounts cgroup v2 with nsdelegate, and shares the root's mounts.
	m.runSandbox(sandboxFlags)
	m.files.text("init2", "#!/bb/busybox sh\nmount -t proc proc /proc\ninsmod /bb/overlay.ko\numount /proc\nexec /lib/systemd/systemd --unit=wasmgo-test.target\n", 0o755)
	results := m.boot(kernel)
	report(t, "cgroup", results["pkg-sandbox-cgroup"])
	report(t, "sandbox", results["pkg-sandbox"])
}
