package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// idMaps translate ids of the container into ids of the host. Without a user namespace they are the same.
type idMaps struct {
	uids, gids []specs.LinuxIDMapping
}

// uid is the host's number of a container's user.
func (m idMaps) uid(id uint32) int { return hostID(m.uids, id) }

// gid is the host's number of a container's group.
func (m idMaps) gid(id uint32) int { return hostID(m.gids, id) }

// overflowID stands for ids that have no counterpart (/proc/sys/kernel/overflowuid, whose default nobody changes).
const overflowID = 65534

func hostID(list []specs.LinuxIDMapping, id uint32) int {
	if len(list) == 0 {
		return int(id)
	}
	for _, m := range list {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return int(m.HostID + (id - m.ContainerID))
		}
	}
	return overflowID
}

// translate replaces the ids in a new file system's options, and makes the container's root its owner if nobody else is.
func (m idMaps) translate(data []string) []string {
	var out []string
	hasUID, hasGID := false, false
	for _, o := range data {
		key, value, _ := strings.Cut(o, "=")
		if id, err := strconv.ParseUint(value, 10, 32); err == nil {
			switch key {
			case "uid":
				o, hasUID = fmt.Sprintf("uid=%d", m.uid(uint32(id))), true
			case "gid":
				o, hasGID = fmt.Sprintf("gid=%d", m.gid(uint32(id))), true
			}
		}
		out = append(out, o)
	}
	if !hasUID {
		out = append(out, fmt.Sprintf("uid=%d", m.uid(0)))
	}
	if !hasGID {
		out = append(out, fmt.Sprintf("gid=%d", m.gid(0)))
	}
	return out
}

// mapsIDs reports whether a mount is to be id-mapped.
func mapsIDs(m specs.Mount, o options) bool {
	return o.idmap || len(m.UIDMappings) > 0 || len(m.GIDMappings) > 0
}

// ownMappings reports whether a mount's mappings are the container's. An option idmap without mappings means these.
func ownMappings(m specs.Mount, l *specs.Linux) bool {
	none := len(m.UIDMappings) == 0 && len(m.GIDMappings) == 0
	return none || slices.Equal(m.UIDMappings, l.UIDMappings) && slices.Equal(m.GIDMappings, l.GIDMappings)
}

// openUser opens the user namespace that id-mapped mounts take their mappings from, which is that of the init.
func (b *builder) openUser(pid int) error {
	if b.ns.fresh&unix.CLONE_NEWUSER == 0 {
		return nil // joined, and open if there is one
	}
	name := fmt.Sprintf("%d/ns/user", pid)
	fd, err := unix.Openat(b.proc, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc/" + name, Err: err}
	}
	b.files[unix.CLONE_NEWUSER] = os.NewFile(uintptr(fd), "/proc/"+name)
	return nil
}

// mapIDs makes files of a detached mount belong to the container's users whom the file system knows by the same numbers. The mount
// must not be mapped yet, and its file system has to be one of those that can be (mount_setattr(2)).
func (b *builder) mapIDs(tree int, below bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if below {
		flags |= unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(b.files[unix.CLONE_NEWUSER].Fd())}
	err := unix.MountSetattr(tree, "", flags, &attr)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("this kernel maps no ids on the file system: %w", errdefs.ErrNotImplemented)
	}
	return os.NewSyscallError("mount_setattr MOUNT_ATTR_IDMAP", err)
}

// mappingsText is the mappings in the form of containerd's mount options.
func mappingsText(list []specs.LinuxIDMapping) string {
	var parts []string
	for _, m := range list {
		parts = append(parts, fmt.Sprintf("%d:%d:%d", m.ContainerID, m.HostID, m.Size))
	}
	return strings.Join(parts, ",")
}

// mapTree makes a mapped copy of the mount that source, a directory of the host, lies on, and hangs it on dir.
func (b *builder) mapTree(source, dir string) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return &os.PathError{Op: "open_tree", Path: source, Err: err}
	}
	defer unix.Close(tree)
	if err := b.mapIDs(tree, false); err != nil {
		return &os.PathError{Op: "map the ids of", Path: source, Err: err}
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS); err != nil {
		return &os.PathError{Op: "move_mount", Path: dir, Err: err}
	}
	return nil
}

// mapLower has an overlay's lower directories mapped and leaves the upper one, whose new files are given to the container's users by
// the overlay's own rules. They are reached by paths relative to the directory they have in common, a mapped copy of which is hung where the
// overlay will cover it; the calling thread is there afterwards.
func (b *builder) mapLower(data, dir string) (string, error) {
	opts := strings.Split(data, ",")
	i := slices.IndexFunc(opts, func(o string) bool { return strings.HasPrefix(o, "lowerdir=") })
	if i < 0 {
		return "", fmt.Errorf("no lowerdir in %q: %w", data, unix.EINVAL)
	}
	lower := strings.Split(strings.TrimPrefix(opts[i], "lowerdir="), ":")
	common := commonParent(lower)
	for j, d := range lower {
		lower[j] = strings.TrimPrefix(strings.TrimPrefix(d, common), "/")
	}
	opts[i] = "lowerdir=" + strings.Join(lower, ":")
	if err := b.mapTree(common, dir); err != nil {
		return "", err
	}
	if err := unix.Chdir(dir); err != nil {
		return "", &os.PathError{Op: "chdir", Path: dir, Err: err}
	}
	return strings.Join(opts, ","), nil
}

// commonParent is the directory that all of the directories are in.
func commonParent(dirs []string) string {
	common := path.Dir(dirs[0])
	for _, d := range dirs {
		for common != "/" && !strings.HasPrefix(d, common+"/") {
			common = path.Dir(common)
		}
	}
	return common
}
