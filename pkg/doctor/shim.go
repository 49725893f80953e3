package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/settings"
)

// shim looks at what the shims of the daemon would find on disk. environ is the daemon's, or this process's.
func (d *doctor) shim(daemon *daemon) {
	d.part = "shim"
	environ := os.Environ()
	if daemon != nil && daemon.environ != nil {
		environ = daemon.environ
	}
	host, err := settings.ReadHost(environ)
	if err != nil {
		d.fail("settings", err.Error(), shimName+" config default    # has every setting; correct the one that is named, and check with `config show`")
		return
	}
	said := len(host.Said())
	d.ok("settings", fmt.Sprintf("%d set; `containerd-shim-wasmgo-v1 config show` lists them", said))
	v := host.Values()
	if d.root(v.Root) {
		d.cache(v)
	}
}

// leastRoom is what the programs and a few modules take, in bytes.
const leastRoom = 256 << 20

// root looks at the data directory, and reports whether there is a cache to look at.
func (d *doctor) root(root string) bool {
	var st unix.Stat_t
	err := unix.Lstat(root, &st)
	where := root
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for where = filepath.Dir(root); where != "/"; where = filepath.Dir(where) {
			if _, err := os.Stat(where); err == nil {
				break
			}
		}
	case err != nil:
		d.fail("root directory", (&os.PathError{Op: "lstat", Path: root, Err: err}).Error(), "")
		return false
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		d.fail("root directory", root+" is no directory", "mv "+quote(root)+" "+quote(root+".old"))
		return false
	case st.Uid != 0 || st.Mode&0o022 != 0:
		d.fail("root directory", fmt.Sprintf("%s (mode %o, user %d) can be written by others than root: whoever can write machine code there controls every container", root, st.Mode&0o7777, st.Uid),
			"chown root "+quote(root)+" && chmod go-w "+quote(root))
		return false
	}
	var fsys unix.Statfs_t
	if err := unix.Statfs(where, &fsys); err != nil {
		d.warn("root directory", (&os.PathError{Op: "statfs", Path: where, Err: err}).Error(), "")
		return false
	}
	room := fsys.Bavail * uint64(fsys.Bsize)
	switch {
	case fsys.Flags&unix.ST_RDONLY != 0:
		d.fail("root directory", where+" is mounted read-only", "mount -o remount,rw "+quote(where)+"    # or set root to a directory that can be written in "+settings.ConfigPath)
	case room < leastRoom:
		d.fail("root directory", fmt.Sprintf("%s has %d MB left on its disk", where, room>>20), shimName+" cache prune    # and make room on the disk, or set root to another one in "+settings.ConfigPath)
	case fsys.Flags&unix.ST_NOEXEC != 0:
		d.ok("root directory", root+" is mounted noexec, which is heeded: programs are run from a mount of their own")
	case where != root:
		d.ok("root directory", root+" is made when it is first needed")
	default:
		d.ok("root directory", root)
	}
	return where == root && os.Geteuid() == 0
}

// cache looks at the compiled code.
func (d *doctor) cache(v settings.Values) {
	store, err := cache.OpenStore(v.Root, v.CacheMax)
	if err != nil {
		d.fail("cache", err.Error(), "chown -R root "+quote(v.Root)+" && chmod -R go-w "+quote(v.Root))
		return
	}
	entries, err := store.List()
	if err != nil {
		d.warn("cache", err.Error(), "containerd-shim-wasmgo-v1 cache verify")
		return
	}
	damaged, size := 0, int64(0)
	for _, e := range entries {
		size += e.Size
		if e.Module == "" {
			damaged++
		}
	}
	if damaged > 0 {
		d.warn("cache", fmt.Sprintf("%d of %d entries are damaged; they are compiled again when they are needed", damaged, len(entries)),
			"containerd-shim-wasmgo-v1 cache verify --root "+quote(v.Root))
		return
	}
	d.ok("cache", fmt.Sprintf("%d entries, %d of at most %d MB", len(entries), size>>20, store.Max()>>20))
}

// quote makes a word of a shell's command line.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
