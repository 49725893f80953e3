package sandbox

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// guardProc makes every proc file system that came along below a bind mount read-only, as the bind mount of one itself is.
// Somebody who mounts the host's "/" into a container means its files; a /proc/self/mem that can be written would be a way
// out of the guest's engine.
func (b *builder) guardProc() error {
	if !b.hasForeignTree() {
		return nil
	}
	info, err := readProc(b.proc, "thread-self/mountinfo")
	if err != nil {
		return err
	}
	for _, name := range procMounts(info) {
		fd, err := openIn(b.root, name, unix.O_PATH)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("proc file system: %w", err)
		}
		err = readonlyProc(fd)
		unix.Close(fd)
		if err != nil {
			return fmt.Errorf("proc file system at %s: %w", name, err)
		}
	}
	return nil
}

// hasForeignTree reports whether a tree of mounts was copied from the host, as a bind mount or as the root itself.
func (b *builder) hasForeignTree() bool {
	return len(b.c.Rootfs) == 0 ||
		slices.ContainsFunc(b.c.Rootfs, isBind) ||
		slices.ContainsFunc(b.mounts, func(p *mountPlan) bool { return p.bind && p.recursive && p.isDir })
}

// readonlyProc makes the mount that is open as fd read-only, if it is proc and not one that lies over it.
func readonlyProc(fd int) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	if st.Type != unix.PROC_SUPER_MAGIC {
		return nil
	}
	return os.NewSyscallError("mount_setattr", unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
}

// procMounts lists the mount points of proc file systems in a /proc/<pid>/mountinfo (proc_pid_mountinfo(5)).
func procMounts(info string) []string {
	var points []string
	for line := range strings.Lines(info) {
		mount, fs, ok := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if ok && len(fields) >= 5 && strings.HasPrefix(fs, "proc ") {
			points = append(points, unescape(fields[4]))
		}
	}
	return points
}

// unescape undoes the kernel's escapes of white space and backslashes in mountinfo: a backslash and three octal digits.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			var c byte
			if _, err := fmt.Sscanf(s[i+1:i+4], "%03o", &c); err == nil {
				out.WriteByte(c)
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// readProc reads a file below the host's /proc.
func readProc(proc int, name string) (string, error) {
	fd, err := unix.Openat(proc, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: "/proc/" + name, Err: err}
	}
	f := os.NewFile(uintptr(fd), "/proc/"+name)
	defer f.Close()
	body, err := io.ReadAll(f)
	return string(body), err
}
