package settings

import (
	"slices"
	"strings"
	"testing"
)

func TestStoresOfBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		good  bool
		shown string
	}{
		"memory":                             {"memory", true, "memory"},
		"none":                               {"none", true, "none"},
		"a server":                           {"redis://db:6379/1", true, "redis://db:6379/1"},
		"a server with a password":           {"rediss://me:secret@db/0?pool_size=3", true, "rediss://…@db/0?pool_size=3"},
		"a password with an at sign in it":   {"redis://me:se@cret@db", true, "redis://…@db"},
		"a socket":                           {"unix:///run/redis.sock?db=1", true, "unix:///run/redis.sock?db=1"},
		"a socket with a password":           {"unix://:secret@/run/redis.sock", true, "unix://…@/run/redis.sock"},
		"a server without a name":            {"redis:///0", false, "redis:///0"},
		"nothing":                            {"", false, ""},
		"a scheme alone":                     {"redis://", false, "redis://"},
		"another scheme":                     {"http://db", false, "http://db"},
		"a server without a scheme":          {"me:secret@db:6379", false, "…@db:6379"},
		"a socket without an absolute path":  {"unix://run/redis.sock", false, "unix://run/redis.sock"},
		"a word that is nearly one of those": {"Memory", false, "Memory"},
	} {
		t.Run(name, func(t *testing.T) {
			k := store()
			if _, err := k.read(c.value); (err == nil) != c.good {
				t.Errorf("error %v", err)
			}
			if got := k.show(c.value); got != c.shown {
				t.Errorf("it is shown as %q, want %q", got, c.shown)
			}
		})
	}
}

func TestNamesOfBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		want  []string
		good  bool
	}{
		"none":             {"", nil, true},
		"one":              {"default", []string{"default"}, true},
		"two":              {"a, b", []string{"a", "b"}, true},
		"one without name": {"a,", []string{"a", ""}, true},
		"one with a colon": {"a:b", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := names().read(c.value)
			if (err == nil) != c.good || !slices.Equal(got, c.want) {
				t.Errorf("got %q and %v, want %q", got, err, c.want)
			}
		})
	}
}

// FuzzStore: a place for buckets that is taken is shown without what stands before its last @.
func FuzzStore(f *testing.F) {
	f.Add("redis://", "db/0")
	f.Add("unix://", "/x")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hunter2secret"
		value := before + secret + "@" + after
		if shown := store().show(value); strings.Contains(shown, secret) && !strings.Contains(before+after, secret) {
			t.Errorf("%q is shown as %q", value, shown)
		}
	})
}
