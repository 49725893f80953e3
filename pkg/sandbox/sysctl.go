package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// sysctlNamespace is the namespace that a kernel parameter, given as its path, belongs to; 0 for one of the whole host.
func sysctlNamespace(file string) int {
	switch {
	case strings.HasPrefix(file, "net/"):
		return unix.CLONE_NEWNET
	case strings.HasPrefix(file, "fs/mqueue/"):
		return unix.CLONE_NEWIPC
	}
	switch file {
	case "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/msg_next_id", "kernel/sem", "kernel/sem_next_id",
		"kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_next_id", "kernel/shm_rmid_forced":
		return unix.CLONE_NEWIPC
	case "kernel/hostname", "kernel/domainname":
		return unix.CLONE_NEWUTS
	}
	return 0
}

// sysctlFile turns a parameter's name into its path below /proc/sys. As in sysctl(8) the first separator decides: after a
// slash, dots are part of a name (net/ipv4/conf/eth0.1/forwarding).
func sysctlFile(name string) string {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '/' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, name)
}

// checkSysctls refuses parameters that would be set on the host.
func checkSysctls(s *specs.Spec, ns namespaces) error {
	for name := range linux(s).Sysctl {
		field := fmt.Sprintf("linux.sysctl[%q]", name)
		file := sysctlFile(name)
		if slices.ContainsFunc(strings.Split(file, "/"), func(e string) bool { return e == ".." || e == "." || e == "" }) {
			return invalid(field, "not the name of a kernel parameter")
		}
		flag := sysctlNamespace(file)
		switch {
		case flag == 0:
			return invalid(field, "a parameter of the whole host")
		case !ns.has(flag):
			return invalid(field, "the container shares the host's namespace that it belongs to")
		case file == "kernel/hostname" && s.Hostname != "":
			return invalid(field, "hostname is set as well")
		case file == "kernel/domainname" && s.Domainname != "":
			return invalid(field, "domainname is set as well")
		}
	}
	return nil
}

// setSysctls writes kernel parameters. Below /proc/sys a thread sees those of the namespaces it is in itself.
func (b *builder) setSysctls() error {
	values := linux(b.spec).Sysctl
	for _, name := range slices.Sorted(maps.Keys(values)) {
		file := "sys/" + sysctlFile(name)
		err := writeProc(b.proc, file, values[name])
		if errors.Is(err, fs.ErrPermission) && b.ids.uid(0) != 0 {
			// Those of an ipc namespace belong to the root of its user namespace, to whom the host's root is anybody
			// (ipc_permissions in ipc/ipc_sysctl.c).
			err = actAs(b.ids.uid(0))
			if err == nil {
				err = errors.Join(writeProc(b.proc, file, values[name]), actAs(0))
			}
		}
		if err != nil {
			return fmt.Errorf("linux.sysctl[%q]: %w", name, err)
		}
	}
	return nil
}

// actAs changes the calling thread's effective user; as the real one stays root it can change back, with all capabilities.
func actAs(uid int) error {
	const keep = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
		return os.NewSyscallError("setresuid", errno)
	}
	return nil
}

// writeProc writes a file below the host's /proc.
func writeProc(proc int, name, value string) (err error) {
	fd, err := unix.Openat(proc, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc/" + name, Err: err}
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if _, err := unix.Write(fd, []byte(value)); err != nil {
		return &os.PathError{Op: "write", Path: "/proc/" + name, Err: err}
	}
	return nil
}
