package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// defaultDevices are in every container (config-linux.md, "Default Devices"); tty only where there is a terminal.
var defaultDevices = []specs.LinuxDevice{
	{Path: "/dev/null", Type: "c", Major: 1, Minor: 3},
	{Path: "/dev/zero", Type: "c", Major: 1, Minor: 5},
	{Path: "/dev/full", Type: "c", Major: 1, Minor: 7},
	{Path: "/dev/random", Type: "c", Major: 1, Minor: 8},
	{Path: "/dev/urandom", Type: "c", Major: 1, Minor: 9},
	{Path: "/dev/tty", Type: "c", Major: 5, Minor: 0},
}

// deviceMode is a device's mode if the spec gives none.
const deviceMode = 0o666

// defaultDev is the /dev of a container whose spec has none.
func defaultDev() *mountPlan {
	return &mountPlan{
		Mount:   specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs"},
		options: parseOptions([]string{"nosuid", "noexec", "strictatime", "mode=755", "size=64k"}),
		field:   "/dev",
		tree:    -1,
	}
}

// ownsDev reports whether /dev is the container's own, to be filled: it is unless the spec brings one from elsewhere.
func (b *builder) ownsDev() bool {
	return !slices.ContainsFunc(b.mounts, func(p *mountPlan) bool {
		return p.Destination == "/dev" && (p.bind || p.Type != "tmpfs")
	})
}

// hasDevpts reports whether the spec mounts pseudo-terminals of the container's own.
func (b *builder) hasDevpts() bool {
	return slices.ContainsFunc(b.mounts, isDevpts)
}

func isDevpts(p *mountPlan) bool { return p.Type == "devpts" && p.Destination == "/dev/pts" && !p.bind }

// fillDev makes the default devices in a fresh /dev that nobody can see yet. The links of other containers into /proc
// (fd, stdin, core …) would dangle here and are left out.
func (b *builder) fillDev(top int) error {
	for _, d := range defaultDevices {
		name := path.Base(d.Path)
		if b.inSpec(d.Path) || name == "tty" && !b.c.Terminal {
			continue
		}
		if err := b.mknod(top, name, d); err != nil {
			return err
		}
	}
	if b.hasDevpts() {
		if err := unix.Symlinkat("pts/ptmx", top, "ptmx"); err != nil {
			return &os.PathError{Op: "symlinkat", Path: "/dev/ptmx", Err: err}
		}
	}
	return nil
}

func (b *builder) inSpec(name string) bool {
	return slices.ContainsFunc(linux(b.spec).Devices, func(d specs.LinuxDevice) bool { return path.Clean(d.Path) == name })
}

// mknod makes one device in an opened directory.
func (b *builder) mknod(dir int, name string, d specs.LinuxDevice) error {
	mode := uint32(deviceMode)
	if d.FileMode != nil {
		mode = uint32(d.FileMode.Perm())
	}
	kind, err := deviceKind(d)
	if err != nil {
		return err
	}
	if err := unix.Mknodat(dir, name, kind|mode, int(unix.Mkdev(uint32(d.Major), uint32(d.Minor)))); err != nil {
		return &os.PathError{Op: "mknodat", Path: d.Path, Err: err}
	}
	var uid, gid uint32
	if d.UID != nil {
		uid = *d.UID
	}
	if d.GID != nil {
		gid = *d.GID
	}
	if hu, hg := b.ids.uid(uid), b.ids.gid(gid); hu != 0 || hg != 0 {
		if err := unix.Fchownat(dir, name, hu, hg, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &os.PathError{Op: "fchownat", Path: d.Path, Err: err}
		}
	}
	return nil
}

// deviceKind is the mode bit of a device's type.
func deviceKind(d specs.LinuxDevice) (uint32, error) {
	switch d.Type {
	case "c", "u":
		return unix.S_IFCHR, nil
	case "b":
		return unix.S_IFBLK, nil
	case "p":
		return unix.S_IFIFO, nil
	}
	return 0, invalid("type", "%q is no type of device", d.Type)
}

// makeDevices makes the devices that the spec asks for, in /dev or elsewhere. What stands there already must be the same.
func (b *builder) makeDevices() error {
	for i, d := range linux(b.spec).Devices {
		if err := b.makeDevice(d); err != nil {
			return fmt.Errorf("linux.devices[%d]: %w", i, err)
		}
	}
	return nil
}

func (b *builder) makeDevice(d specs.LinuxDevice) error {
	dir, name := path.Split(path.Clean("/" + d.Path))
	parent, err := b.maker.dir(dir)
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	err = b.mknod(parent, name, d)
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstatat(parent, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "fstatat", Path: d.Path, Err: err}
	}
	kind, _ := deviceKind(d)
	if st.Mode&unix.S_IFMT != kind || kind != unix.S_IFIFO && st.Rdev != unix.Mkdev(uint32(d.Major), uint32(d.Minor)) {
		return &os.PathError{Op: "mknodat", Path: d.Path, Err: unix.EEXIST}
	}
	return nil
}

// ownData are the options a new file system gets: the spec's, with ids as the host numbers them, a label, and the
// container's root as the owner where a user namespace makes it a stranger to the host's.
func (b *builder) ownData(p *mountPlan) []string {
	data := slices.Clone(p.data)
	if label := linux(b.spec).MountLabel; label != "" && !slices.ContainsFunc(data, func(o string) bool { return strings.HasPrefix(o, "context=") }) {
		data = append(data, "context="+label)
	}
	if len(b.ids.uids) == 0 || p.Type != "tmpfs" && p.Type != "devpts" {
		return data
	}
	return b.ids.translate(data)
}
