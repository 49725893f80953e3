package serve

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/config"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/logging"
	"wasmgo/test/redisserver"
)

// counter serves the guest that uses proposals of WASI.
func counter(t *testing.T, k handover.Keyvalue, set ...func(*runner.Service)) *rig {
	t.Helper()
	return startAs(t, "http_counter", func(s *runner.Service) {
		for _, f := range set {
			f(s)
		}
		s.Needs, s.Keyvalue, s.Env = handover.NeedsKeyvalue, k, []string{"DATABASE_URL=db://one", "plain=yes"}
		var r press
		s.World = func(extend ...func(*wasiio.Host) wasi.Part) (*wasi.Host, error) {
			return wasi.New(wasi.Config{Config: cli.Config{Env: s.Env, Stdout: &r, Stderr: &r}, Extend: append(extend,
				func(*wasiio.Host) wasi.Part { return logging.New(&r, logging.Info) },
				func(*wasiio.Host) wasi.Part {
					return config.New(config.Values{Env: s.Env, Set: map[string]string{"plain": "no", "set": "by the operator"}})
				})})
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(r.out.String())
			}
		})
	})
}

// stores runs a test with buckets in memory and on Redis.
func stores(t *testing.T, f func(t *testing.T, k handover.Keyvalue)) {
	t.Run("in memory", func(t *testing.T) { f(t, handover.Keyvalue{Memory: 8 << 20}) })
	t.Run("on Redis", func(t *testing.T) { f(t, handover.Keyvalue{Store: redisserver.Start(t).URL()}) })
}

// TestKeyvalue calls every function of wasi:keyvalue, in both versions and with both stores.
func TestKeyvalue(t *testing.T) {
	stores(t, func(t *testing.T, k handover.Keyvalue) {
		r := counter(t, k)
		for _, tt := range []struct{ name, path, want string }{
			{"what is not there", "/draft/get?b&k", "Ok(None)"},
			{"what is not there, in the other version", "/draft2/get?b&k", "Ok(None)"},
			{"and does not exist", "/draft/exists?b&k", "Ok(false)"},
			{"set", "/draft/set?b&k&one", "Ok(())"},
			{"and get", "/draft2/get?b&k", `Ok(Some("one"))`},
			{"and exists", "/draft2/exists?b&k", "Ok(true)"},
			{"in its bucket only", "/draft2/get?c&k", "Ok(None)"},
			{"set again", "/draft2/set?b&k&two", "Ok(())"},
			{"an empty value is one", "/draft2/set?b&empty&", "Ok(())"},
			{"and is got as one", "/draft/get?b&empty", `Ok(Some(""))`},
			{"an empty key is one", "/draft2/set?b&&nobody", "Ok(())"},
			{"keys", "/draft/list-keys?b", `["", "empty", "k"]`},
			{"keys, in the other version", "/draft2/list-keys?b", `["", "empty", "k"]`},
			{"no keys", "/draft2/list-keys?nothing", "[]"},
			{"a cursor that is none", "/draft2/list-keys?b&first", `Error::Other("a cursor that list-keys has not returned: \"first\"")`},
			{"get many", "/draft2/get-many?b&k&x&empty", `Ok([Some(("k", "two")), None, Some(("empty", ""))])`},
			{"get none", "/draft2/get-many?b", "Ok([])"},
			{"set many", "/draft/set-many?b&x&1&y&2", "Ok(())"},
			{"get many of that", "/draft/get-many?b&x&y", `Ok([Some(("x", "1")), Some(("y", "2"))])`},
			{"delete", "/draft2/delete?b&k", "Ok(())"},
			{"delete what is not there", "/draft/delete?b&k", "Ok(())"},
			{"delete many", "/draft2/delete-many?b&empty&&nothing", "Ok(())"},
			{"keys that are left", "/draft2/list-keys?b", `["x", "y"]`},
			{"delete the rest", "/draft/delete-many?b&x&y", "Ok(())"},
			{"no keys any more", "/draft/list-keys?b", "[]"},
			{"increment what is not there", "/draft/increment?n&k&5", "Ok(5)"},
			{"increment", "/draft2/increment?n&k&-7", "Ok(-2)"},
			{"a number is text", "/draft2/get?n&k", `Ok(Some("-2"))`},
			{"a name with a colon", "/draft2/get?a:b&k", "open: Error::NoSuchStore"},
			{"a name with a colon, in the other version", "/draft/get?a:b&k", "open: Error::NoSuchStore"},
			{"a name without end", "/draft/get?" + strings.Repeat("a", 300) + "&k", "open: Error::NoSuchStore"},
			{"many keys", "/draft2/fill?many&2500&10", "Ok(())"},
			{"and a list of them", "/draft/list-keys?many", "2500"},
			{"and a list of them, in the other version", "/draft2/list-keys?many", "2500"},
			{"swap what is not there", "/draft2/swap?s&k&one", "Ok(None) swapped"},
			{"swap", "/draft2/swap?s&k&two", `Ok(Some("one")) swapped`},
			{"swap what was set meanwhile", "/draft2/swap?s&k&three&other", `Ok(Some("two")) Ok(()) failed, Ok(Some("other")) swapped`},
			{"the value is the last", "/draft2/get?s&k", `Ok(Some("three"))`},
			{"count", "/count", "1"},
			{"count on", "/count", "2"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if _, got := fetch(t, r.client, "GET", r.get(tt.path), nil); got != tt.want {
					t.Errorf("got %s\nwant %s", got, tt.want)
				}
			})
		}
		for _, tt := range []struct{ name, path, want string }{
			{"set what is no number", "/draft2/set?n&word&one", "Ok"},
			{"increment what is no number", "/draft2/increment?n&word&1", "Err(Error::Other("},
			{"increment too far", "/draft2/increment?n&k&-9223372036854775808", "Err(Error::Other("},
			{"a number that has no sign cannot be below 0", "/draft/increment?n&k&1", "Err(Error::Other(\"-1: the number is negative"},
			{"nor grow by more than a signed one can", "/draft/increment?n&k&9223372036854775808", "Err(Error::Other(\"9223372036854775808 is more"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if _, got := fetch(t, r.client, "GET", r.get(tt.path), nil); !strings.HasPrefix(got, tt.want) {
					t.Errorf("got %s\nwant %s…", got, tt.want)
				}
			})
		}
	})
}

// TestAtomics: many instances at a time count right, whichever way.
func TestAtomics(t *testing.T) {
	stores(t, func(t *testing.T, k handover.Keyvalue) {
		r := counter(t, k)
		const clients, each = 8, 10
		var done sync.WaitGroup
		for range clients {
			done.Go(func() {
				for range each {
					fetch(t, r.client, "GET", r.get("/draft2/increment?race&counted&2"), nil)
				}
				if _, got := fetch(t, r.client, "GET", r.get("/race?10"), nil); got != "done" {
					t.Error(got)
				}
			})
		}
		done.Wait()
		_, got := fetch(t, r.client, "GET", r.get("/draft2/get-many?race&counted&swapped"), nil)
		if want := `Ok([Some(("counted", "160")), Some(("swapped", "80"))])`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestBounds: a guest cannot make the runner keep more than it may.
func TestBounds(t *testing.T) {
	r := counter(t, handover.Keyvalue{Memory: 2 << 20})
	for _, tt := range []struct{ path, want string }{
		{"/draft2/fill?b&3000&1000", `Ok(()) Err(Error::Other("the key-value store in memory is full: it holds 2097152 bytes, as the setting keyvalue-memory says"))`},
		{"/pin?3", `0: Error::Other("the key-value store in memory is full: it holds 2097152 bytes, as the setting keyvalue-memory says")`},
	} {
		if _, got := fetch(t, r.client, "GET", r.get(tt.path), nil); got != tt.want {
			t.Errorf("%s: got %s\nwant %s", tt.path, got, tt.want)
		}
	}
	r = counter(t, handover.Keyvalue{Memory: 8 << 20})
	if _, got := fetch(t, r.client, "GET", r.get("/pin?100"), nil); got != `15: Error::Other("the handles of compare-and-swap that are open keep more than 16 MiB")` {
		t.Error(got)
	}
}

// TestBucketsThatThereAre: an operator says which there are, or that there are none.
func TestBucketsThatThereAre(t *testing.T) {
	r := counter(t, handover.Keyvalue{Memory: 1 << 20, Buckets: []string{"a", "b"}})
	none := counter(t, handover.Keyvalue{Store: "none"})
	for _, tt := range []struct {
		r          *rig
		path, want string
	}{
		{r, "/draft2/set?a&k&1", "Ok(())"},
		{r, "/draft2/get?b&k", "Ok(None)"},
		{r, "/draft2/get?c&k", "open: Error::NoSuchStore"},
		{none, "/draft2/get?a&k", "open: Error::AccessDenied"},
		{none, "/draft/get?a&k", "open: Error::AccessDenied"},
	} {
		if _, got := fetch(t, tt.r.client, "GET", tt.r.get(tt.path), nil); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.path, got, tt.want)
		}
	}
}

// TestSilentServer: a guest that waits for its bucket is stopped when its request's time is over, and others go on.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := counter(t, handover.Keyvalue{Store: "redis://" + l.Addr().String()}, func(s *runner.Service) { s.HTTP.Timeout = 200 * time.Millisecond })
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		began := time.Now()
		res, _ := fetch(t, r.client, "GET", r.get("/count"), nil)
		if took := time.Since(began); res.StatusCode != 504 || took > 3*time.Second {
			t.Errorf("status %d after %v", res.StatusCode, took)
		}
	}()
	if _, got := fetch(t, r.client, "GET", r.get("/config/plain"), nil); !strings.HasPrefix(got, `Ok(Some("no"))`) {
		t.Errorf("another request is answered %q", got)
	}
	<-waiting
}

// TestConfig: what an operator sets goes before the container's variables.
func TestConfig(t *testing.T) {
	r := counter(t, handover.Keyvalue{Memory: 1 << 20})
	three := func(s string) string { return strings.Join([]string{s, s, s}, " ") }
	for _, tt := range []struct{ path, want string }{
		{"/config/set", three(`Ok(Some("by the operator"))`)},
		{"/config/plain", three(`Ok(Some("no"))`)},
		{"/config/DATABASE_URL", three(`Ok(Some("db://one"))`)},
		{"/config/database-url", three(`Ok(Some("db://one"))`)},
		{"/config/database", three("Ok(None)")},
		{"/config", `Ok([("plain", "no"), ("set", "by the operator"), ("DATABASE_URL", "db://one")])`},
	} {
		if _, got := fetch(t, r.client, "GET", r.get(tt.path), nil); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.path, got, tt.want)
		}
	}
}
