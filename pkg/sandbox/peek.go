package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Peek shows look the root file system that rootfs makes on the host's directory dir, without the mounts of the
// specification, for reading only. Nothing is left of it afterwards, and the host sees no mount. root is an O_PATH descriptor
// of its top, valid during the call, which is made on the caller's goroutine. Its error is Peek's.
//
// It is for those who have to know what is in there before they decide who mounts it for good. The writable layer of an overlay is
// taken for one more lower one: nobody else's mount of it is disturbed, and it takes a tenth of the time of one that can be written
// to (0.15 ms against 1.8 ms).
func Peek(rootfs []Mount, dir string, look func(root *os.File) error) error {
	if len(rootfs) == 1 && isBind(rootfs[0]) && rootfs[0].Target == "" {
		rootfs, dir = nil, rootfs[0].Source
	}
	if len(rootfs) == 0 {
		root, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return fmt.Errorf("root file system: %w", err)
		}
		defer root.Close()
		return look(root)
	}
	t := newThread()
	defer t.end()
	var root *os.File
	if err := t.do(func() (err error) {
		root, err = mountApart(rootfs, dir)
		return err
	}); err != nil {
		return fmt.Errorf("root file system: %w", err)
	}
	defer root.Close()
	return look(root)
}

// mountApart takes the calling thread into a mount namespace of its own and mounts there.
func mountApart(rootfs []Mount, dir string) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return nil, fmt.Errorf("cut off mount propagation: %w", os.NewSyscallError("mount", err))
	}
	b := &builder{}
	for i, m := range rootfs {
		if err := b.mountRootfs(unwritable(m), dir); err != nil {
			return nil, fmt.Errorf("rootfs[%d]: %w", i, err)
		}
	}
	return os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
}

// unwritable is a mount that shows the same files and disturbs no other. Only an overlay's could: the superblock of any other
// file system is shared, and has to be asked for as everybody asks.
func unwritable(m Mount) Mount {
	// What an upper layer needs, and what is about to be said otherwise.
	drop := []string{"upperdir=", "workdir=", "lowerdir=", "index=", "nfs_export=", "volatile", "rw"}
	if m.Type != "overlay" {
		drop = nil
	}
	drop = append(drop, "uidmap=", "gidmap=")
	var layers []string
	out := m
	out.Options = nil
	for _, o := range m.Options {
		if upper, ok := strings.CutPrefix(o, "upperdir="); ok {
			layers = append([]string{strings.ReplaceAll(upper, ":", `\:`)}, layers...)
		} else if lower, ok := strings.CutPrefix(o, "lowerdir="); ok {
			layers = append(layers, lower)
		}
		if !slices.ContainsFunc(drop, func(d string) bool { return o == d || strings.HasSuffix(d, "=") && strings.HasPrefix(o, d) }) {
			out.Options = append(out.Options, o)
		}
	}
	if m.Type == "overlay" {
		out.Options = append(out.Options, "ro", "lowerdir="+strings.Join(layers, ":"))
	}
	return out
}
