package sandbox

import (
	"errors"
	"fmt"
	"os"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// cloneFlags are the kernel's names of the namespaces that can be had.
var cloneFlags = map[specs.LinuxNamespaceType]int{
	specs.MountNamespace:   unix.CLONE_NEWNS,
	specs.UTSNamespace:     unix.CLONE_NEWUTS,
	specs.IPCNamespace:     unix.CLONE_NEWIPC,
	specs.NetworkNamespace: unix.CLONE_NEWNET,
	specs.PIDNamespace:     unix.CLONE_NEWPID,
	specs.CgroupNamespace:  unix.CLONE_NEWCGROUP,
	specs.UserNamespace:    unix.CLONE_NEWUSER,
	specs.TimeNamespace:    unix.CLONE_NEWTIME,
}

// namespaces says how each of the sandbox's namespaces comes to be. A kind that is in neither is the host's.
type namespaces struct {
	fresh  int            // clone flags of the new ones
	joined map[int]string // clone flag to path of an existing one
	field  map[int]string // clone flag to the spec's field, for messages
}

// has reports whether the sandbox does not share the host's namespace of that kind.
func (n namespaces) has(flag int) bool { return n.fresh&flag != 0 || n.joined[flag] != "" }

// newNamespaces reads linux.namespaces.
func newNamespaces(list []specs.LinuxNamespace) (namespaces, error) {
	n := namespaces{joined: map[int]string{}, field: map[int]string{}}
	for i, ns := range list {
		field := fmt.Sprintf("linux.namespaces[%d]", i)
		flag, ok := cloneFlags[ns.Type]
		switch {
		case ns.Type == specs.TimeNamespace && ns.Path != "":
			// setns(2) takes only a process of one thread into a time namespace.
			return n, notImplemented(field+".path", "joining a time namespace")
		case !ok:
			return n, invalid(field+".type", "%q is no namespace", ns.Type)
		case n.has(flag):
			return n, invalid(field+".type", "%q stands there twice", ns.Type)
		case ns.Path == "":
			n.fresh |= flag
		default:
			n.joined[flag] = ns.Path
		}
		n.field[flag] = field
	}
	if !n.has(unix.CLONE_NEWNS) {
		return n, notImplemented("linux.namespaces", "a container in the host's mount namespace")
	}
	return n, nil
}

// open opens the namespaces that are joined. The caller closes the files, also those returned with an error.
func (n namespaces) open() (map[int]*os.File, error) {
	files := map[int]*os.File{}
	for flag, path := range n.joined {
		f, err := os.Open(path)
		if err != nil {
			return files, fmt.Errorf("%s.path: %w", n.field[flag], err)
		}
		files[flag] = f
		kind, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
		if err != nil || kind != flag {
			return files, invalid(n.field[flag]+".path", "%s is no namespace of that type", path)
		}
	}
	return files, nil
}

// enter takes the calling thread into the namespaces of the given flags, joined or new. The pid namespace takes effect
// and a new time namespace take effect for the thread's children. New ones of the user, pid and cgroup kind are the child's
// to make.
func (n namespaces) enter(files map[int]*os.File, offsets map[string]specs.LinuxTimeOffset) error {
	// A copy of its own of root, working directory and umask: for setns(2) into a mount namespace, and because what is
	// done to the thread from here on is not meant for the process.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	for flag, f := range files {
		if flag == unix.CLONE_NEWUSER {
			continue // not for a thread among others: see nsinit
		}
		if err := unix.Setns(int(f.Fd()), flag); err != nil {
			return fmt.Errorf("%s.path: %w", n.field[flag], os.NewSyscallError("setns", err))
		}
	}
	if n.fresh&unix.CLONE_NEWTIME != 0 {
		if err := unshareTime(offsets); err != nil {
			return err
		}
	}
	if n.fresh&unix.CLONE_NEWUSER != 0 {
		return nil // the others are to belong to it, and are made with it: see startHeld
	}
	fresh := n.fresh &^ (unix.CLONE_NEWPID | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME)
	// A mount namespace that is joined is copied: what is mounted for this container and its pivot_root are not to be seen
	// by the others there, and go away by themselves.
	if err := unix.Unshare(fresh | unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	return nil
}

// setNames gives a UTS namespace its two names.
func setNames(s *specs.Spec) error {
	if s.Hostname != "" {
		if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
			return fmt.Errorf("hostname: %w", os.NewSyscallError("sethostname", err))
		}
	}
	if s.Domainname != "" {
		if err := unix.Setdomainname([]byte(s.Domainname)); err != nil {
			return fmt.Errorf("domainname: %w", os.NewSyscallError("setdomainname", err))
		}
	}
	return nil
}

// loopbackUp starts the loopback device of a new network namespace, which the kernel leaves down.
func loopbackUp() (err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return fmt.Errorf("loopback: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("loopback: %w", os.NewSyscallError("ioctl", err))
	}
	return nil
}

// invalid is what Check says of a field that makes no sense.
func invalid(field, format string, args ...any) error {
	return fmt.Errorf("%s: %s: %w", field, fmt.Sprintf(format, args...), errdefs.ErrInvalidArgument)
}

// notImplemented is what Check says of a field that is asked for and not done.
func notImplemented(field, what string) error {
	return fmt.Errorf("%s: %s is not supported: %w", field, what, errdefs.ErrNotImplemented)
}
