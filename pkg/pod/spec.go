package pod

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	// rootfsName is where containerd looks for a container's root file system in a bundle.
	rootfsName = "rootfs"
	// nobody is who a pause is where CRI does not say: it needs nothing that is anybody's.
	nobody = 65535
	// keep is how far a pod's init is kept from the kernel's out-of-memory killer where we may say so, as in containerd's other mode.
	keep = -998
)

// fewShares is what a process that only waits needs of the processor: the least there is.
var fewShares uint64 = 2

// spec is the specification of the pod's pause. Done closes what it names, and is called when the pause stands.
func (p *pod) spec() (_ *specs.Spec, done func(), err error) {
	c := &p.config
	done = func() {}
	s := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: rootfsName, Readonly: true},
		Process: &specs.Process{Args: []string{"/pause"}, Cwd: "/", NoNewPrivileges: true, OOMScoreAdj: oomScoreAdj()},
		Linux: &specs.Linux{
			CgroupsPath: c.cgroupsPath(p.id), Sysctl: maps.Clone(c.sysctls),
			Resources: &specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: &fewShares}},
		},
	}
	s.Process.User = specs.User{UID: c.user(c.runAsUser, uids), GID: c.user(c.runAsGroup, gids)}
	join := func(kind specs.LinuxNamespaceType, path string) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind, Path: path})
	}
	join(specs.MountNamespace, "")
	if c.pid != modeNode {
		join(specs.PIDNamespace, "")
	}
	if c.ipc != modeNode {
		join(specs.IPCNamespace, "")
	}
	if c.network == modeNode && p.netns != "" {
		return nil, done, fmt.Errorf("the host's network and one at %s: %w", p.netns, errdefs.ErrInvalidArgument)
	}
	if c.network != modeNode {
		join(specs.NetworkNamespace, p.netns)
		join(specs.UTSNamespace, "")
		s.Hostname = c.hostname
		s.Linux.Sysctl = c.networkSysctls()
	}
	if c.mapsUsers() {
		s.Linux.UIDMappings, s.Linux.GIDMappings = ociMappings(c.users.uids), ociMappings(c.users.gids)
		owner := ""
		if p.netns != "" {
			f, err := netnsOwner(p.netns)
			if err != nil {
				return nil, done, err
			}
			done = func() { f.Close() }
			if path := "/proc/self/fd/" + strconv.Itoa(int(f.Fd())); !isOurs(path) {
				owner = path
			}
		}
		join(specs.UserNamespace, owner)
	}
	return s, done, nil
}

// uids and gids are the two kinds of mappings.
func uids(u *users) []mapping { return u.uids }
func gids(u *users) []mapping { return u.gids }

// user is who the pause is: as CRI says, or nobody, or the pod's root where nobody is not mapped.
func (c *config) user(given *uint32, of func(*users) []mapping) uint32 {
	if given != nil {
		return *given
	}
	if !c.mapsUsers() {
		return nobody
	}
	for _, m := range of(c.users) {
		if m.container <= nobody && nobody-m.container < m.length {
			return nobody
		}
	}
	return 0
}

// root is who on the host is the pod's root.
func (c *config) root(of func(*users) []mapping) int {
	if c.mapsUsers() {
		for _, m := range of(c.users) {
			if m.container == 0 && m.length > 0 {
				return int(m.host)
			}
		}
	}
	return 0
}

// networkSysctls are the pod's, and those by which a user who is not root may open ports below 1024 and send pings. They are what
// containerd 2 sets by default in its other mode (enable_unprivileged_ports, enable_unprivileged_icmp); it does not tell the shim.
func (c *config) networkSysctls() map[string]string {
	out := map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"}
	if !c.mapsUsers() {
		out["net.ipv4.ping_group_range"] = "0 2147483647"
	}
	maps.Copy(out, c.sysctls)
	return out
}

func ociMappings(list []mapping) []specs.LinuxIDMapping {
	var out []specs.LinuxIDMapping
	for _, m := range list {
		out = append(out, specs.LinuxIDMapping{ContainerID: m.container, HostID: m.host, Size: m.length})
	}
	return out
}

// netnsOwner opens the user namespace that the network namespace at path belongs to: containerd has made the two together. The caller
// closes it.
func netnsOwner(path string) (*os.File, error) {
	netns, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer netns.Close()
	fd, err := unix.IoctlRetInt(int(netns.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return nil, &os.PathError{Op: "NS_GET_USERNS", Path: path, Err: err}
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), path), nil
}

// isOurs reports whether a user namespace is the shim's own. containerd 1.7 makes no other, and then the pod's has yet to be made.
func isOurs(path string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := os.Stat("/proc/self/ns/user")
	return err == nil && os.SameFile(a, b)
}

// oomScoreAdj is how the kernel's out-of-memory killer should see the pause, nil for as it sees the shim: to be spared more than that takes
// CAP_SYS_RESOURCE, which a node in a container or a virtual machine may not have.
func oomScoreAdj() *int {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil || data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0 {
		return nil
	}
	score := keep
	return &score
}

// hostFile reads one of the host's files for a pod; a file that is not there is empty.
func hostFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// hostname is the name in the pod's /etc/hostname.
func (c *config) name() (string, error) {
	if c.hostname != "" {
		return strings.TrimSpace(c.hostname), nil
	}
	return os.Hostname()
}
