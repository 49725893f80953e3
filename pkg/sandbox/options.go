package sandbox

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// options are the options of one OCI mount, taken apart.
type options struct {
	bind      bool
	recursive bool // of bind
	remount   bool
	copyUp    bool // tmpcopyup
	idmap     bool
	idmapAll  bool // the mounts below, too
	// set and clear are attributes of the mount itself, setAll and clearAll also of those below it (MOUNT_ATTR_*).
	set, clear, setAll, clearAll uint64
	// propagation is one of unix.MS_{SHARED,SLAVE,PRIVATE,UNBINDABLE}, 0 for what comes by itself.
	propagation          uint64
	recursivePropagation bool
	// data are the options that are left to the file system.
	data []string
}

// attribute is a mount attribute that an option sets, or takes back.
type attribute struct {
	flag uint64
	off  bool
}

// attributes by the spec's table "Linux mount options" in config.md; each also exists with an r before it, for the mounts
// below. Access times are a field of several values: setting one clears the others.
var attributes = map[string]attribute{
	"ro":            {unix.MOUNT_ATTR_RDONLY, false},
	"rw":            {unix.MOUNT_ATTR_RDONLY, true},
	"nosuid":        {unix.MOUNT_ATTR_NOSUID, false},
	"suid":          {unix.MOUNT_ATTR_NOSUID, true},
	"nodev":         {unix.MOUNT_ATTR_NODEV, false},
	"dev":           {unix.MOUNT_ATTR_NODEV, true},
	"noexec":        {unix.MOUNT_ATTR_NOEXEC, false},
	"exec":          {unix.MOUNT_ATTR_NOEXEC, true},
	"nodiratime":    {unix.MOUNT_ATTR_NODIRATIME, false},
	"diratime":      {unix.MOUNT_ATTR_NODIRATIME, true},
	"nosymfollow":   {unix.MOUNT_ATTR_NOSYMFOLLOW, false},
	"symfollow":     {unix.MOUNT_ATTR_NOSYMFOLLOW, true},
	"relatime":      {unix.MOUNT_ATTR_RELATIME, false},
	"norelatime":    {unix.MOUNT_ATTR_RELATIME, true},
	"noatime":       {unix.MOUNT_ATTR_NOATIME, false},
	"atime":         {unix.MOUNT_ATTR_NOATIME, true},
	"strictatime":   {unix.MOUNT_ATTR_STRICTATIME, false},
	"nostrictatime": {unix.MOUNT_ATTR_STRICTATIME, true},
}

var propagations = map[string]uint64{
	"shared":     unix.MS_SHARED,
	"slave":      unix.MS_SLAVE,
	"private":    unix.MS_PRIVATE,
	"unbindable": unix.MS_UNBINDABLE,
}

// ignored are options of mount(8) that say what is so anyway, or that the kernel takes no notice of since Linux 5.15.
var ignored = []string{"", "defaults", "async", "loud", "silent", "nolazytime", "noiversion", "nomand", "mand", "auto", "noauto", "user", "nouser", "_netdev", "nofail"}

const attrAtime = unix.MOUNT_ATTR_NOATIME | unix.MOUNT_ATTR_STRICTATIME

// parseOptions takes options apart. An option that is not in the spec's table is left to the file system, as the spec asks;
// it is never an error here.
func parseOptions(list []string) options {
	var o options
	for _, opt := range list {
		switch opt {
		case "bind":
			o.bind = true
			continue
		case "rbind":
			o.bind, o.recursive = true, true
			continue
		case "remount":
			o.remount = true
			continue
		case "tmpcopyup":
			o.copyUp = true
			continue
		case "idmap", "ridmap":
			o.idmap, o.idmapAll = true, opt == "ridmap"
			continue
		}
		if slices.Contains(ignored, opt) || strings.HasPrefix(opt, "x-") || strings.HasPrefix(opt, "X-") {
			continue
		}
		if a, ok := attributes[opt]; ok {
			apply(a, &o.set, &o.clear)
			continue
		}
		if p, ok := propagations[opt]; ok {
			o.propagation, o.recursivePropagation = p, false
			continue
		}
		if all, ok := strings.CutPrefix(opt, "r"); ok {
			if a, ok := attributes[all]; ok {
				apply(a, &o.setAll, &o.clearAll)
				continue
			}
			if p, ok := propagations[all]; ok {
				o.propagation, o.recursivePropagation = p, true
				continue
			}
		}
		o.data = append(o.data, opt)
	}
	return o
}

// superblockFlags are options of a whole file system that the spec's table has among those of mounts. A bind mount cannot
// change them and does not need to: mount(8) passes them over there.
var superblockFlags = []string{"sync", "dirsync", "lazytime", "iversion"}

// bindData are the options that a bind mount has no use for.
func (o options) bindData() []string {
	return slices.DeleteFunc(slices.Clone(o.data), func(opt string) bool { return slices.Contains(superblockFlags, opt) })
}

// apply puts one attribute into what is to be set and cleared; the later of two that contradict each other wins.
func apply(a attribute, set, clear *uint64) {
	switch {
	case a.flag&attrAtime != 0 || a.flag == unix.MOUNT_ATTR_RELATIME:
		// relatime is the field's zero value; whatever is taken back leaves relatime.
		*set &^= attrAtime
		*clear |= unix.MOUNT_ATTR__ATIME
		if !a.off {
			*set |= a.flag
		}
	case a.off:
		*set &^= a.flag
		*clear |= a.flag
	default:
		*set |= a.flag
		*clear &^= a.flag
	}
}
