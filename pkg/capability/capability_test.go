package capability

import (
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		in      []string
		want    Mask
		unknown []string
	}{
		"nothing":               {nil, 0, nil},
		"the first and last":    {[]string{"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"}, 1 | 1<<40, nil},
		"in lower case":         {[]string{"cap_sys_admin"}, 1 << unix.CAP_SYS_ADMIN, nil},
		"one that there is not": {[]string{"CAP_FLY", "CAP_KILL", ""}, 1 << unix.CAP_KILL, []string{"CAP_FLY", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, unknown := Parse(c.in)
			if got != c.want || !slices.Equal(unknown, c.unknown) {
				t.Errorf("got %#x %q, want %#x %q", got, unknown, c.want, c.unknown)
			}
		})
	}
	if len(names) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d names, the kernel's header has %d", len(names), unix.CAP_LAST_CAP+1)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CAP_CHOWN")
	f.Add("cap_\xff")
	f.Fuzz(func(t *testing.T, name string) {
		mask, unknown := Parse([]string{name})
		if n := len(mask.Numbers()) + len(unknown); n != 1 {
			t.Errorf("%q became %d", name, n)
		}
	})
}

// apart runs f on a thread that is thrown away, since nothing gives back what it drops.
func apart(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

func TestLimit(t *testing.T) {
	apart(t, func() {
		want := Sets{Bounding: 1<<unix.CAP_CHOWN | 1<<unix.CAP_KILL, Inheritable: 1<<unix.CAP_KILL | 1<<63}
		permitted, err := want.Limit()
		if err != nil {
			t.Error(err)
			return
		}
		for i := range uintptr(unix.CAP_LAST_CAP + 1) {
			has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, i, 0, 0, 0)
			if err != nil || (has == 1) != (want.Bounding&(1<<i) != 0) {
				t.Errorf("bounding set, %s: got %d %v", names[i], has, err)
			}
		}
		if permitted&(1<<unix.CAP_SETPCAP) == 0 {
			t.Errorf("permitted %#x", permitted)
		}
	})
}

func TestRaiseLeavesWhatTheNextProgramMayHave(t *testing.T) {
	apart(t, func() {
		caps := Sets{Bounding: 1<<unix.CAP_CHOWN | 1<<unix.CAP_KILL, Inheritable: 1 << unix.CAP_KILL, Ambient: 1 << unix.CAP_KILL}
		if _, err := caps.Limit(); err != nil {
			t.Error(err)
			return
		}
		if err := caps.Raise(); err != nil {
			t.Error(err)
			return
		}
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&head, &data[0]); err != nil {
			t.Error(err)
			return
		}
		if data[0] != (unix.CapUserData{Effective: 1<<unix.CAP_CHOWN | 1<<unix.CAP_KILL, Permitted: 1<<unix.CAP_CHOWN | 1<<unix.CAP_KILL, Inheritable: 1 << unix.CAP_KILL}) || data[1] != (unix.CapUserData{}) {
			t.Errorf("got %+v", data)
		}
		has, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, unix.CAP_KILL, 0, 0)
		if err != nil || has != 1 {
			t.Errorf("ambient: got %d %v", has, err)
		}
	})
}
