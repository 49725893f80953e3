package pod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/bundle"
)

// filesSize bounds a pod's shared memory and files, as containerd does in its other mode.
const filesSize = "64m"

// shared are the files of a pod that its containers see, by their places there; below the pod's own tmpfs they have the same.
const (
	resolvConf = "/etc/resolv.conf"
	hosts      = "/etc/hosts"
	hostname   = "/etc/hostname"
	shm        = "/dev/shm"
)

// mountFiles makes the pod's files, on a tmpfs where the bundle has its root file system.
func mountFiles(dir string, c config) (err error) {
	root := filepath.Join(dir, rootfsName)
	if err := os.MkdirAll(root, 0o711); err != nil {
		return err
	}
	if err := unix.Mount("pod", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0755,size="+filesSize); err != nil {
		return &os.PathError{Op: "mount", Path: root, Err: err}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unmountFiles(dir))
		}
	}()
	for _, d := range []string{"etc", "dev", "proc", "sys"} { // where the pause's own mounts go
		if err := os.Mkdir(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	name, err := c.name()
	if err != nil {
		return err
	}
	resolver, table := "", ""
	if c.dns != nil {
		resolver = c.dns.resolvConf()
	} else if resolver, err = hostFile(resolvConf); err != nil {
		return err
	}
	if table, err = hostFile(hosts); err != nil {
		return err
	}
	for path, content := range map[string]string{resolvConf: resolver, hosts: table, hostname: name + "\n"} {
		file := filepath.Join(root, path)
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return err
		}
		if err := os.Chown(file, c.root(uids), c.root(gids)); err != nil { // the pod's root may change them
			return err
		}
	}
	if c.ipc == modeNode {
		return nil // the host's
	}
	if err := os.Mkdir(filepath.Join(root, shm), 0o700); err != nil {
		return err
	}
	return os.Chmod(filepath.Join(root, shm), 0o1777|os.ModeSticky) // whatever the umask is
}

// unmountFiles takes the pod's files away. It is no error if they are not there.
func unmountFiles(dir string) error {
	root := filepath.Join(dir, rootfsName)
	err := unix.Unmount(root, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return &os.PathError{Op: "unmount", Path: root, Err: err}
	}
	return nil
}

// Complete adds the pod's files to a container of the pod, and is nothing to others. What the container has at those places already stays,
// unless it only stands in for them.
func (s *Service) Complete(b *bundle.Bundle) error {
	s.mu.Lock()
	p := s.pods[b.Pod]
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	if p.running() == nil {
		return fmt.Errorf("sandbox %s is not running", p.id)
	}
	b.Spec.Mounts = p.complete(b.Spec.Mounts, b.Spec.Root.Readonly)
	return nil
}

// complete adds the pod's files to a container's mounts.
func (p *pod) complete(mounts []specs.Mount, readonly bool) []specs.Mount {
	root := filepath.Join(p.bundle, rootfsName)
	var out []specs.Mount
	taken := map[string]bool{}
	for _, m := range mounts {
		dest := filepath.Clean(m.Destination)
		switch dest {
		case resolvConf, hosts, hostname, shm:
			if p.stands(dest, m) {
				continue
			}
			taken[dest] = true
		}
		out = append(out, m)
	}
	access := "rw"
	if readonly {
		access = "ro"
	}
	for _, dest := range []string{resolvConf, hosts, hostname} {
		if !taken[dest] {
			out = append(out, bindMount(root, dest, access))
		}
	}
	if !taken[shm] && p.config.ipc != modeNode {
		out = append(out, bindMount(root, shm, "rw"))
	}
	return out
}

func bindMount(root, dest, access string) specs.Mount {
	return specs.Mount{
		Type: "bind", Source: filepath.Join(root, dest), Destination: dest,
		Options: []string{"bind", "rprivate", "nosuid", "nodev", "noexec", access},
	}
}

// stands reports whether a mount stands in for a file of the pod that nobody has made: containerd 1.7 names the files that it would have made
// itself, and makes directories where they are missing; an shm of the container's own is the default of specifications.
func (p *pod) stands(dest string, m specs.Mount) bool {
	if dest == shm {
		return p.config.ipc != modeNode && (m.Type == "tmpfs" || filepath.Base(filepath.Dir(m.Source)) == p.id)
	}
	info, err := os.Stat(m.Source)
	return m.Type == "bind" && (errors.Is(err, os.ErrNotExist) || err == nil && info.IsDir())
}
