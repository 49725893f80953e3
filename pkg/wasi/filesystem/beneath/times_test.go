package beneath

import (
	"math"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSetTimes(t *testing.T) {
	at := func(s uint64, ns uint32) NewTime { return NewTime{SetTime, s, ns} }
	keep, now := NewTime{}, NewTime{Change: SetNow}
	before := time.Now().Add(-time.Minute)
	recent := func(x time.Time) bool { return x.After(before) }
	is := func(s, ns int64) func(time.Time) bool {
		return func(x time.Time) bool { return x.Equal(time.Unix(s, ns)) }
	}
	eachWay(t, func(t *testing.T, walk bool) {
		dir := t.TempDir()
		layout{"file", "dir/", "link -> file", "dir/up -> ../file", "absolute -> /file"}.make(t, dir)
		d := preopen(t, dir, Options{Walk: walk})
		for _, tt := range []struct {
			name     string
			path     string
			follow   bool
			a, m     NewTime
			want     unix.Errno
			accessed func(time.Time) bool
			modified func(time.Time) bool
		}{
			{"both", "file", true, at(1, 2), at(3, 4), 0, is(1, 2), is(3, 4)},
			{"only the first", "file", true, at(5, 0), keep, 0, is(5, 0), is(3, 4)},
			{"only the second", "file", true, keep, at(7, 0), 0, is(5, 0), is(7, 0)},
			{"neither", "file", true, keep, keep, 0, is(5, 0), is(7, 0)},
			{"a link's target", "link", true, at(8, 0), at(9, 0), 0, is(8, 0), is(9, 0)},
			{"a link's own", "link", false, at(10, 0), at(11, 0), 0, is(10, 0), is(11, 0)},
			{"not a link's target", "file", true, keep, keep, 0, is(8, 0), is(9, 0)},
			{"a target above", "dir/up", true, keep, at(12, 0), 0, is(8, 0), is(12, 0)},
			{"now", "file", false, now, now, 0, recent, recent},
			{"a directory's", "dir", false, at(13, 0), at(14, 0), 0, is(13, 0), is(14, 0)},
			{"a directory's with a slash", "dir/", false, at(15, 0), at(16, 0), 0, is(15, 0), is(16, 0)},
			{"the directory's own", ".", false, at(17, 0), at(18, 0), 0, is(17, 0), is(18, 0)},
			{"a file's with a slash", "file/", false, now, now, unix.ENOTDIR, nil, nil},
			{"of nothing", "nothing", true, now, now, unix.ENOENT, nil, nil},
			{"outside", "../x", true, now, now, unix.EPERM, nil, nil},
			{"through an absolute link", "absolute", true, now, now, unix.EPERM, nil, nil},
			{"seconds that there are none of", "file", true, at(math.MaxUint64, 0), now, unix.EOVERFLOW, nil, nil},
			{"too many nanoseconds", "file", true, now, at(0, 1e9), unix.EINVAL, nil, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				err := d.SetTimesAt(tt.follow, tt.path, tt.a, tt.m)
				if got := errnoOf(t, err); got != tt.want {
					t.Fatalf("gives %v, want %v", err, tt.want)
				}
				if tt.want != 0 {
					return
				}
				st, err := d.StatAt(tt.follow, tt.path)
				if err != nil || !tt.accessed(st.Accessed) || !tt.modified(st.Modified) {
					t.Errorf("the times are %v and %v, %v", st.Accessed, st.Modified, err)
				}
			})
		}
		for _, name := range []string{"file", "dir"} {
			f := opened(t, d, name, 0, Read)
			if err := f.SetTimes(at(20, 0), at(21, 0)); err != nil {
				t.Fatal(err)
			}
			if st, err := f.Stat(); err != nil || !st.Accessed.Equal(time.Unix(20, 0)) || !st.Modified.Equal(time.Unix(21, 0)) {
				t.Errorf("%s: the times are %v and %v, %v", name, st.Accessed, st.Modified, err)
			}
		}
		if err := d.SetTimes(at(22, 0), keep); err != nil {
			t.Errorf("of a preopen: %v", err)
		}
	})
}
