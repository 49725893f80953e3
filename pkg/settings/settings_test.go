package settings

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/handover"
)

// config writes a file of settings.
func config(t *testing.T, body string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// host reads a file of settings, and variables.
func host(t *testing.T, body string, environ ...string) Host {
	t.Helper()
	h, err := ReadHost(append(environ, FileVariable+"="+config(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPrecedence(t *testing.T) {
	for _, tt := range []struct {
		name                   string
		file, environ, options string
		variable, annotation   string // of http-addr
		want                   string
	}{
		{"nothing is said", "", "", "", "", "", ""},
		{"the file", ":1", "", "", "", "", ":1"},
		{"containerd's environment over the file", ":1", ":2", "", "", "", ":2"},
		{"options over containerd's environment", ":1", ":2", ":3", "", "", ":3"},
		{"options over the file", ":1", "", ":3", "", "", ":3"},
		{"a container's variable over what an operator chose freely", ":1", ":2", ":3", ":4", "", ":4"},
		{"an annotation over a variable", ":1", "", "", ":4", ":5", ":5"},
		{"an annotation alone", "", "", "", "", ":5", ":5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			toml := func(value string) string {
				if value == "" {
					return ""
				}
				return "http-addr = '" + value + "'"
			}
			said, err := ParseOptions([]byte(toml(tt.options)))
			if err != nil {
				t.Fatal(err)
			}
			var env []string
			if tt.variable != "" {
				env = []string{"WASMGO_HTTP_ADDR=" + tt.variable}
			}
			annotations := map[string]string{}
			if tt.annotation != "" {
				annotations["io.containerd.wasmgo.http-addr"] = tt.annotation
			}
			c, err := ReadContainer(annotations, env)
			if err != nil {
				t.Fatal(err)
			}
			v, err := host(t, toml(tt.file), "WASMGO_HTTP_ADDR="+tt.environ).With(said).For(c)
			if err != nil || v.HTTP.Addr != tt.want || len(c.Env) != 0 {
				t.Errorf("%q, %v, want %q; left in the environment: %q", v.HTTP.Addr, err, tt.want, c.Env)
			}
		})
	}
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name, file, variable, annotation string
		want                             Values
		wrong                            []string // in the error
	}{
		{name: "the operator's bound holds without the container", file: "http-body = '1MiB'", want: Values{HTTP: handover.HTTP{Body: 1 << 20}}},
		{name: "a container has less", file: "http-body = '1MiB'", annotation: "http-body=1KiB", want: Values{HTTP: handover.HTTP{Body: 1 << 10}}},
		{name: "a container wants more", file: "\nhttp-body = '1MiB'", annotation: "http-body=1GiB", wrong: []string{"annotation io.containerd.wasmgo.http-body", "1GiB", "1MiB", "config.toml, line 2"}},
		{name: "an image wants more", file: "http-timeout = '10s'", variable: "HTTP_TIMEOUT=1h", wrong: []string{"variable WASMGO_HTTP_TIMEOUT", "1h", "10s"}},
		{name: "an image wants more, and the pod less", file: "http-timeout = '10s'", variable: "HTTP_TIMEOUT=1h", annotation: "http-timeout=1s", want: Values{HTTP: handover.HTTP{Timeout: time.Second}}},
		{name: "as much as the bound", file: "http-requests = 5", annotation: "http-requests=5", want: Values{HTTP: handover.HTTP{Requests: 5}}},
		{name: "a bound of nothing", file: "http-queue = 0", annotation: "http-queue=1", wrong: []string{"http-queue"}},
		{name: "nothing below a bound", file: "http-queue = 7", annotation: "http-queue=0", want: Values{HTTP: handover.HTTP{Queue: -1}}},
		{name: "without a bound as much as there is", annotation: "http-body=3GiB", want: Values{HTTP: handover.HTTP{Body: 3 << 30}}},
		{name: "refusals add up", file: "deny = 'dns'", annotation: "deny=tcp", want: Values{Deny: handover.Deny{TCP: true, DNS: true}}},
		{name: "a refusal is not taken back", file: "deny = ['dns', 'udp']", annotation: "deny=", want: Values{Deny: handover.Deny{UDP: true, DNS: true}}},
		{name: "an annotation takes back what an image refuses", variable: "DENY=udp", annotation: "deny=tcp", want: Values{Deny: handover.Deny{TCP: true}}},
		{name: "what is the operator's alone, by annotation", annotation: "allow-machine-code=true", wrong: []string{"operator's alone", "/etc/wasmgo/config.toml", "annotation io.containerd.wasmgo.allow-machine-code"}},
		{name: "what is the operator's alone, by an image", variable: "ROOT=/tmp", wrong: []string{"operator's alone", "variable WASMGO_ROOT in process.env"}},
		{name: "an annotation that an image sets", variable: "GROUP=x", wrong: []string{"group cannot be set here", "annotation"}},
		{name: "an unknown annotation", annotation: "http-adr=:80", wrong: []string{"annotation io.containerd.wasmgo.http-adr", "no such setting", "did you mean http-addr?"}},
		{name: "an unknown variable", variable: "HTTP_TIMOUT=1s", wrong: []string{"variable WASMGO_HTTP_TIMOUT", "did you mean http-timeout?"}},
		{name: "a wrong value", annotation: "http-timeout=30", wrong: []string{"annotation io.containerd.wasmgo.http-timeout", `value "30"`, "30s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var env []string
			if tt.variable != "" {
				env = []string{VariablePrefix + tt.variable}
			}
			annotations := map[string]string{"other": "x"}
			if key, value, ok := strings.Cut(tt.annotation, "="); ok {
				annotations[AnnotationPrefix+key] = value
			}
			c, err := ReadContainer(annotations, env)
			var got Values
			if err == nil {
				got, err = host(t, tt.file).For(c)
			}
			if tt.wrong != nil {
				for _, part := range tt.wrong {
					if err == nil || !strings.Contains(err.Error(), part) || !errors.Is(err, errdefs.ErrInvalidArgument) {
						t.Errorf("error %v, want an invalid argument with %q", err, part)
					}
				}
				return
			}
			tt.want.Root, tt.want.LogFormat = DefaultRoot, "text"
			if err != nil || got.HTTP != tt.want.HTTP || got.Deny != tt.want.Deny {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestFileRefuses(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"a key nobody knows", "root = '/x'\nhttp-timout = '1s'", `line 2: no such setting: "http-timout"; did you mean http-timeout?`},
		{"a key with underscores", "cache_max = '1GiB'", "did you mean cache-max?"},
		{"an option of runc", "SystemdCgroup = true", "did you mean systemd-cgroup?"},
		{"a key like no other", "xyzzy = 1", `no such setting: "xyzzy" (`},
		{"a table nobody knows", "[http]\naddr = ':1'", `line 1: no such setting: "http"`},
		{"a table for a setting", "[root]\nx = 1", "line 1: root is no table: write root = …"},
		{"a list of tables", "[[deny]]\nx = 1", "deny is no table"},
		{"a wrong value", "http-requests = 0", "line 1: http-requests: value \"0\": want a number from 1 to 1048576"},
		{"a value of the wrong kind", "http-requests = 1.5", "line 1: http-requests: want a text, a number"},
		{"a table as a value", "http-requests = {a = 1}", "line 1: http-requests: want a text"},
		{"a list of numbers", "deny = [1]", "want texts in the list"},
		{"no TOML", "\n\nroot /x", "config.toml, line 3"},
		{"a key twice", "root = '/x'\nroot = '/y'", "line 2: root is in line 1 already"},
		{"a container's own", "group = 'x'", "group cannot be set here: it may be set by the annotation io.containerd.wasmgo.group"},
		{"a time beyond all", "http-timeout = '9999999999h'", "want a time"},
		{"a path that is none", "root = 'x'", "want an absolute path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadHost([]string{FileVariable + "=" + config(t, tt.body)})
			if !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want an invalid argument with %q", err, tt.want)
			}
		})
	}
}

func TestReadHost(t *testing.T) {
	t.Run("a file that is named and not there", func(t *testing.T) {
		if _, err := ReadHost([]string{FileVariable + "=/nonesuch.toml"}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a file that others can write", func(t *testing.T) {
		path := config(t, "root = '/x'")
		if err := os.Chmod(path, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadHost([]string{FileVariable + "=" + path}); err == nil || !strings.Contains(err.Error(), "chmod 644 "+path) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, err := ReadHost([]string{FileVariable + "=" + t.TempDir()}); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a misspelt variable", func(t *testing.T) {
		_, err := ReadHost([]string{"WASMGO_CACHE_MAXX=1GiB"})
		if err == nil || !strings.Contains(err.Error(), "environment variable WASMGO_CACHE_MAXX") || !strings.Contains(err.Error(), "did you mean cache-max?") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("variables of the programs themselves, of tests, and empty ones are passed over", func(t *testing.T) {
		h := host(t, "", "WASMGO_RUNNER=guest", "WASMGO_TEST_X=1", "WASMGO_CACHE_MAX=", "WASMGO_PROGRAMS=/p")
		if v := h.Values(); v.Root != DefaultRoot || v.CacheMax != 0 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("all kinds", func(t *testing.T) {
		h := host(t, "root = '/x'\ncache-max = 1_000_000\nsystemd-cgroup = true\nlog-level = \"debug\"\nhttp-timeout = '90s'\n# a comment\ndeny = ['tcp', # why\n 'dns']\n")
		v := h.Values()
		want := Values{Root: "/x", CacheMax: 1_000_000, SystemdCgroup: true, LogLevel: "debug", LogFormat: "text", Deny: handover.Deny{TCP: true, DNS: true}, HTTP: handover.HTTP{Timeout: 90 * time.Second}}
		if v.Root != want.Root || v.CacheMax != want.CacheMax || !v.SystemdCgroup || v.LogLevel != "debug" || v.Deny != want.Deny || v.HTTP != want.HTTP {
			t.Errorf("%+v, want %+v", v, want)
		}
		var names []string
		for _, s := range h.Said() {
			names = append(names, s.Name())
		}
		if !slices.IsSorted([]int{names2(names, "root"), names2(names, "cache-max"), names2(names, "deny"), names2(names, "http-timeout")}) {
			t.Errorf("not in the order of the table: %q", names)
		}
	})
}

func names2(names []string, name string) int { return slices.Index(names, name) }

func TestOptionsHaveRuncsNames(t *testing.T) {
	said, err := ParseOptions([]byte("SystemdCgroup = true\nBinaryName = 'x'\nShimCgroup = '/s'\nIoUid = 7\nhttp-requests = 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	if v := (Host{}).With(said).Values(); !v.SystemdCgroup || v.ShimCgroup != "/s" || v.HTTP.Requests != 3 {
		t.Errorf("%+v", v)
	}
	for body, want := range map[string]string{
		"SystemdCgroups = true": "did you mean systemd-cgroup?",
		"root = '/x'":           "root cannot be set here",
		"SystemdCgroup = 'yes'": "SystemdCgroup: value \"yes\": want true or false",
	} {
		if _, err := ParseOptions([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", body, err, want)
		}
	}
}

// TestOptionsOfTheShimAreVariables: the launcher tells the shim by its environment what options say of it as a whole, and of nothing else.
func TestOptionsOfTheShimAreVariables(t *testing.T) {
	said, err := ParseOptions([]byte("log-level = 'debug'\nallow-machine-code = true\nhttp-queue = 3\nmetrics = '/m'\n"))
	if err != nil {
		t.Fatal(err)
	}
	h := host(t, "log-format = 'json'").With(said)
	if got, want := h.OfShim(), []string{"WASMGO_LOG_LEVEL=debug", "WASMGO_METRICS=/m"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	again, err := ReadHost(h.OfShim())
	if v := again.Values(); err != nil || v.LogLevel != "debug" || v.AllowMachineCode {
		t.Errorf("the shim has %+v, %v", v, err)
	}
}

func TestVariablesAreTakenOutOfTheEnvironment(t *testing.T) {
	c, err := ReadContainer(nil, []string{"X=1", "WASMGO_DENY=udp", "Y=2", "WASMGO=keep"})
	if want := []string{"X=1", "Y=2", "WASMGO=keep"}; err != nil || !slices.Equal(c.Env, want) {
		t.Errorf("env %q, %v, want %q", c.Env, err, want)
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"", "0", "4GiB", "1K", "8388608T", "-1", "GiB", "9223372036854775807", "9007199254740992K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if n < 0 || err != nil && !errors.Is(err, errdefs.ErrInvalidArgument) {
			t.Errorf("%q is %d, %v", s, n, err)
		}
	})
}

func TestParseSize(t *testing.T) {
	for _, tc := range []struct {
		text  string
		want  int64
		wrong bool
	}{
		{text: "", wrong: true},
		{text: "0", want: 0},
		{text: "1023", want: 1023},
		{text: "1K", want: 1 << 10},
		{text: "3MiB", want: 3 << 20},
		{text: "4GiB", want: 4 << 30},
		{text: "2T", want: 2 << 40},
		{text: "4611686018427387904", want: 1 << 62},
		{text: "4611686018427387905", wrong: true},
		{text: "9223372036854775808", wrong: true},
		{text: "8388608T", wrong: true},
		{text: "4194304T", want: 1 << 62},
		{text: "4194305T", wrong: true},
		{text: "MiB", wrong: true},
		{text: "1KM", wrong: true},
		{text: "BiB", wrong: true},
		{text: "iB", wrong: true},
		{text: "1iB", wrong: true},
		{text: "1B", wrong: true},
		{text: "1KK", wrong: true},
		{text: "1.5G", wrong: true},
		{text: "-1", wrong: true},
		{text: " 1", wrong: true},
		{text: "many", wrong: true},
	} {
		got, err := ParseSize(tc.text)
		if (err != nil) != tc.wrong || got != tc.want {
			t.Errorf("%q is %d, %v, want %d, an error %v", tc.text, got, err, tc.want, tc.wrong)
		}
	}
}

// FuzzTOML: what is taken is in the bounds that everyone relies on, and nothing makes the parser fall.
func FuzzTOML(f *testing.F) {
	for _, seed := range []string{"", "root = '/x'", "http-requests = 1\n[http]", "deny = ['tcp']", "a.b = {c = 1}", "x = \"\\u00e9", "[[a]]\n", "http-body = 1_0"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, where := range []Where{File, Options} {
			said, err := parseTOML(body, where, "x")
			if err != nil {
				if !errors.Is(err, errdefs.ErrInvalidArgument) {
					t.Errorf("%v is no invalid argument", err)
				}
				continue
			}
			checkBounds(t, Host{}.With(said).Values())
		}
	})
}

// FuzzContainer: what is taken is in bounds.
func FuzzContainer(f *testing.F) {
	for _, seed := range []string{"http-addr=8080", "http-timeout=30s", "deny=tcp", "http-queue=-1", "=", "config.a=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pair string) {
		key, value, _ := strings.Cut(pair, "=")
		c, err := ReadContainer(map[string]string{AnnotationPrefix + key: value}, []string{VariablePrefix + pair})
		if err != nil {
			return
		}
		if len(c.Env) != 0 {
			t.Errorf("left in the environment: %q", c.Env)
		}
		if v, err := (Host{}).For(c); err == nil {
			checkBounds(t, v)
		}
	})
}

func checkBounds(t *testing.T, v Values) {
	t.Helper()
	h := v.HTTP
	for _, n := range []int{h.Requests, h.Queue, h.Connections, h.Reuse, h.Waiting} {
		if n < -1 || n > most {
			t.Errorf("a count of %d", n)
		}
	}
	if h.Requests < 0 || h.Connections < 0 || h.Reuse < 0 || h.Timeout < 0 || h.Body < 0 || h.Memory < 0 || v.CacheMax < 0 || v.CacheMax > math.MaxInt64/2 {
		t.Errorf("out of bounds: %+v", v)
	}
	if v.Root == "" || v.Root[0] != '/' {
		t.Errorf("root %q", v.Root)
	}
}
