package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// host looks at the kernel.
func (d *doctor) host() {
	d.part = "host"
	d.kernel()
	d.overlayfs()
	d.namespaces()
	d.seccomp()
	d.cgroups(cgroupRoot)
	d.securityModules()
}

// calls are the youngest system calls that are used, each with what is done where it is missing.
var calls = []struct {
	name    string
	since   string
	number  uintptr
	without string
}{
	{"openat2", "5.6", unix.SYS_OPENAT2, "paths of guests are resolved in more steps"},
	{"open_tree", "5.2", unix.SYS_OPEN_TREE, "programs are copied where they would be mounted, and a root directory mounted noexec does not work"},
	{"mount_setattr", "5.12", unix.SYS_MOUNT_SETATTR, "recursive mount options and idmapped mounts are refused"},
	{"pidfd_open", "5.3", unix.SYS_PIDFD_OPEN, "processes are told apart by their numbers"},
}

func (d *doctor) kernel() {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		d.warn("kernel", fmt.Sprintf("uname: %s", err), "")
		return
	}
	found := fmt.Sprintf("Linux %s on %s", unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:]))
	var missing []string
	for _, c := range calls {
		// With arguments that no kernel takes: only one without the call says ENOSYS.
		if _, _, errno := unix.Syscall6(c.number, ^uintptr(0), 0, ^uintptr(0), ^uintptr(0), 0, 0); errno == unix.ENOSYS {
			missing = append(missing, fmt.Sprintf("%s (Linux %s): without it %s", c.name, c.since, c.without))
		}
	}
	if len(missing) > 0 {
		d.warn("kernel", found+" lacks "+strings.Join(missing, "; "), "# use a newer kernel, or allow these calls where a profile of seccomp forbids them to containerd")
		return
	}
	d.ok("kernel", found)
}

func (d *doctor) overlayfs() {
	systems, err := os.ReadFile("/proc/filesystems")
	switch {
	case err != nil:
		d.warn("overlayfs", err.Error(), "mount -t proc proc /proc")
	case bytes.Contains(systems, []byte("\toverlay\n")):
		d.ok("overlayfs", "the kernel has it")
	default:
		d.fail("overlayfs", "the kernel has no overlayfs loaded, which containerd keeps images in", "modprobe overlay && echo overlay > /etc/modules-load.d/overlay.conf")
	}
}

func (d *doctor) namespaces() {
	var missing []string
	for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts"} {
		if _, err := os.Stat(filepath.Join("/proc/self/ns", ns)); err != nil {
			missing = append(missing, ns)
		}
	}
	if len(missing) > 0 {
		d.fail("namespaces", "the kernel lacks namespaces: "+strings.Join(missing, ", "), "# use a kernel with CONFIG_NAMESPACES and all kinds of them")
		return
	}
	most, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.warn("namespaces", "the kernel has no user namespaces: containers with one (hostUsers: false, userns-remap) are refused", "# use a kernel with CONFIG_USER_NS")
	case err == nil && strings.TrimSpace(string(most)) == "0":
		d.warn("namespaces", "user namespaces are switched off: containers with one (hostUsers: false, userns-remap) are refused",
			"sysctl -w user.max_user_namespaces=15000 && echo user.max_user_namespaces=15000 > /etc/sysctl.d/90-userns.conf")
	default:
		d.ok("namespaces", "mount, pid, net, ipc, uts, user")
	}
}

func (d *doctor) seccomp() {
	actions, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail")
	if err != nil {
		d.fail("seccomp", "the kernel has no seccomp, and no guest runs without", "# use a kernel with CONFIG_SECCOMP_FILTER")
		return
	}
	d.ok("seccomp", "the kernel has it: "+strings.TrimSpace(string(actions)))
}

func (d *doctor) securityModules() {
	modules, _ := os.ReadFile("/sys/kernel/security/lsm") // not mounted: none is known
	enforcing, _ := os.ReadFile("/sys/fs/selinux/enforce")
	apparmor, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	var found []string
	if strings.HasPrefix(string(apparmor), "Y") {
		found = append(found, "AppArmor is on: a container has the profile that containerd names")
	}
	if strings.HasPrefix(string(enforcing), "1") {
		d.warn("security modules", "SELinux enforces, which wasmgo's tests do not cover: the label that containerd gives a container has to allow its runner",
			"ausearch -m AVC -ts recent    # says what was refused; `ausearch -m AVC -ts recent | audit2allow -M wasmgo && semodule -i wasmgo.pp` allows it")
		return
	}
	if len(found) == 0 {
		found = append(found, "neither AppArmor nor SELinux confines containers (modules: "+strings.TrimSpace(string(modules))+")")
	}
	d.ok("security modules", strings.Join(found, "; "))
}
