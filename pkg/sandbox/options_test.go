package sandbox

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

func TestParseOptions(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want options
	}{
		"nothing":                              {"", options{}},
		"what is so anyway":                    {"defaults,async,loud,x-systemd.automount", options{}},
		"a bind mount, read-only":              {"rbind,ro", options{bind: true, recursive: true, set: unix.MOUNT_ATTR_RDONLY}},
		"the later of two wins":                {"ro,rw", options{clear: unix.MOUNT_ATTR_RDONLY}},
		"the later of two wins, the other way": {"rw,ro", options{set: unix.MOUNT_ATTR_RDONLY}},
		"attributes of all mounts below":       {"rbind,rro,rnosuid,rdev", options{bind: true, recursive: true, setAll: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID, clearAll: unix.MOUNT_ATTR_NODEV}},
		"propagation":                          {"rslave", options{propagation: unix.MS_SLAVE, recursivePropagation: true}},
		"the later propagation wins":           {"rslave,private", options{propagation: unix.MS_PRIVATE}},
		"data of the file system, in order":    {"nosuid,mode=755,size=64k", options{set: unix.MOUNT_ATTR_NOSUID, data: []string{"mode=755", "size=64k"}}},
		"access times are one field":           {"noatime,strictatime", options{set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME}},
		"relatime is the field's zero":         {"noatime,relatime", options{clear: unix.MOUNT_ATTR__ATIME}},
		"an unknown word that starts with r":   {"rfoo", options{data: []string{"rfoo"}}},
		"remount and idmap":                    {"remount,idmap,tmpcopyup", options{remount: true, idmap: true, copyUp: true}},
		"idmap of all mounts below":            {"rbind,ridmap", options{bind: true, recursive: true, idmap: true, idmapAll: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseOptions(strings.Split(c.in, ",")); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("rbind,ro,rslave,size=1k")
	f.Add("atime,noatime,rstrictatime,rnoatime,runbindable,,rr")
	f.Fuzz(func(t *testing.T, in string) {
		list := strings.Split(in, ",")
		o := parseOptions(list)
		const bits = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC |
			unix.MOUNT_ATTR_NODIRATIME | unix.MOUNT_ATTR_NOSYMFOLLOW
		if o.set&o.clear&bits != 0 || o.setAll&o.clearAll&bits != 0 {
			t.Errorf("set and cleared at once: %+v", o)
		}
		if o.set&attrAtime == attrAtime || o.setAll&attrAtime == attrAtime {
			t.Errorf("two access times at once: %+v", o)
		}
		if o.set&attrAtime != 0 && o.clear&unix.MOUNT_ATTR__ATIME == 0 {
			t.Errorf("an access time set and the field not cleared, which mount_setattr refuses: %+v", o)
		}
		for _, d := range o.data {
			if !slices.Contains(list, d) {
				t.Errorf("%q came from nowhere", d)
			}
		}
	})
}

func TestRootfsOptions(t *testing.T) {
	b := &builder{}
	flags, data, mapped, err := b.rootfsOptions([]string{"ro", "nodev", "workdir=/w", "upperdir=/u", "lowerdir=/a:/b", "rbind"})
	if err != nil || mapped || flags != unix.MS_RDONLY|unix.MS_NODEV || data != "workdir=/w,upperdir=/u,lowerdir=/a:/b" {
		t.Errorf("got %#x %q %v", flags, data, err)
	}
	for _, o := range []string{"loop", "uidmap=0:1:2", "gidmap=0:1:2"} {
		if _, _, _, err := b.rootfsOptions([]string{o}); !errors.Is(err, errdefs.ErrNotImplemented) {
			t.Errorf("%s: got %v", o, err)
		}
	}
}
