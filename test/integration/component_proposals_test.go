package integration

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"
	otlptrace "go.opentelemetry.io/proto/otlp/trace/v1"

	"wasmgo/test/collector"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
	"wasmgo/test/redisserver"
)

// The guests that use proposals of WASI, in the image.
const (
	httpCounter = "/component/http_counter.wasm"
	cCounter    = "/component/c_counter.wasm"
)

func addProposalGuests(t *testing.T, files map[string]pack.File) {
	t.Helper()
	for path, name := range map[string]string{httpCounter: "http_counter", cCounter: "c_counter"} {
		files[path] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
}

// counting starts a server that counts, and returns how to ask it.
func counting(t *testing.T, e env, opts ...oci.SpecOpts) (server *container, count func(path string) string) {
	t.Helper()
	server = e.start(t, inHostNetwork(guest(httpCounter)).with(append(opts, oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"}))...))
	url := "http://" + server.address(t)
	client := browser(t, e.Netns, false)
	return server, func(path string) string {
		t.Helper()
		_, answer := ask(t, client, "GET", url+path, nil)
		return answer
	}
}

// finish ends a server in order.
func (c *container) finish(t *testing.T) {
	t.Helper()
	c.kill(t, syscall.SIGTERM)
	if code := c.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.stderr)
	}
}

func annotated(name, value string) oci.SpecOpts {
	return oci.WithAnnotations(map[string]string{"io.containerd.wasmgo." + name: value})
}

var componentProposalCases = []testCase{
	{"a server counts across its requests in memory, where another one does not see it", func(t *testing.T, e env) {
		one, first := counting(t, e)
		two, second := counting(t, e)
		for _, want := range []string{"1", "2", "3"} {
			if got := first("/count"); got != want {
				t.Errorf("counted %s, want %s", got, want)
			}
		}
		if got := second("/count"); got != "1" {
			t.Errorf("the other one counted %s", got)
		}
		one.stderr.await(t, "INFO counter: request 3\n")
		one.finish(t)
		two.finish(t)
	}},
	{"servers and commands count together on Redis, over the network and over a socket", func(t *testing.T, e env) {
		const port = "16379"
		redis := redisserver.StartIn(t, e.Netns.Do, "--port", port, "--bind", "127.0.0.1", "--user", "default", "off", "--user", "guest", "on", ">s/cret", "~*", "&*", "+@all")
		url := "redis://guest:s%2Fcret@127.0.0.1:" + port + "/0"
		one, first := counting(t, e, oci.WithEnv([]string{"WASMGO_KEYVALUE=" + url}))
		socket := "unix://guest:s%2Fcret@/run/redis/" + filepath.Base(redis.Socket)
		two, second := counting(t, e, bind(filepath.Dir(redis.Socket), "/run/redis"), annotated("keyvalue", socket))
		for i, want := range []string{"1", "2", "3", "4"} {
			if got := []func(string) string{first, second}[i%2]("/count"); got != want {
				t.Errorf("counted %s, want %s", got, want)
			}
		}
		for _, want := range []string{"14\n", "24\n"} {
			code, out, errs := e.run(t, inHostNetwork(guest(cCounter, "", "hits")).with(annotated("keyvalue", url), annotated("config.step", "10"), annotated("logging-level", "info")))
			if code != 0 || out != want || errs != "INFO c_counter: counted\n" {
				t.Errorf("exit code %d, stdout %q, want %q\n%s", code, out, want, errs)
			}
		}
		if got := second("/draft2/get?&hits"); got != `Ok(Some("24"))` {
			t.Errorf("there is %s", got)
		}
		redis.Stop(t)
		if got := first("/count"); !strings.Contains(got, "127.0.0.1:"+port+" of the setting keyvalue: ") || strings.Contains(got, "cret") {
			t.Errorf("without the server: %s", got)
		}
		one.finish(t)
		two.finish(t)
	}},
	{"a command counts in memory, and its configuration is its variables", func(t *testing.T, e env) {
		for _, c := range []struct {
			opts []oci.SpecOpts
			want string
		}{
			{nil, "1\n"},
			{[]oci.SpecOpts{oci.WithEnv([]string{"STEP=7"})}, "7\n"},
			{[]oci.SpecOpts{oci.WithEnv([]string{"STEP=7"}), annotated("config.step", "8")}, "8\n"},
			{[]oci.SpecOpts{oci.WithMemoryLimit(32 << 20)}, "1\n"},
		} {
			code, out, errs := e.run(t, guest(cCounter, "bucket", "key").with(c.opts...))
			if code != 0 || out != c.want || errs != "INFO c_counter: counted\nDEBUG c_counter: counted\n" {
				t.Errorf("exit code %d, stdout %q, want %q\n%s", code, out, c.want, errs)
			}
		}
	}},
	{"buckets that there are not, or nobody may have, or that cannot be reached, are errors to the guest", func(t *testing.T, e env) {
		for _, c := range []struct{ key, value, want string }{
			{"keyvalue", "none", "access denied\n"},
			{"keyvalue-buckets", "a,b", "no such store\n"},
			{"keyvalue", "redis://127.0.0.1:1", "other: 127.0.0.1:1 of the setting keyvalue: "},
		} {
			code, out, errs := e.run(t, guest(cCounter, "c", "key").with(annotated(c.key, c.value)))
			if code != 1 || !strings.HasPrefix(out, c.want) {
				t.Errorf("%s=%s: exit code %d, stdout %q, want %q\n%s", c.key, c.value, code, out, c.want, errs)
			}
		}
	}},
	{"a place for buckets that is none keeps a container from running, and says why", func(t *testing.T, e env) {
		for _, path := range []string{cCounter, httpCounter} {
			code, _, errs := e.run(t, guest(path, "b", "k").with(annotated("keyvalue", "redis://me:secret@db/0?colour=red")))
			if code != 126 || !strings.Contains(errs, "the setting keyvalue: ") || !strings.Contains(errs, "colour") || strings.Contains(errs, "secret") {
				t.Errorf("exit code %d: %s", code, errs)
			}
		}
		_, err := e.tryCreate(t, guest(cCounter, "b", "k").with(oci.WithEnv([]string{"WASMGO_KEYVALUE=http://me:secret@db"})))
		if err == nil || !strings.Contains(err.Error(), "WASMGO_KEYVALUE") || !strings.Contains(err.Error(), "want memory, none, or the URL of a Redis server") || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}},
	{"buckets in memory that are full leave room for instances in a container with a memory limit", func(t *testing.T, e env) {
		server, get := counting(t, e, oci.WithMemoryLimit(96<<20))
		for range 3 {
			const full = `Err(Error::Other("the key-value store in memory is full: it holds `
			if got := get("/draft2/fill?b&40000&500"); !strings.HasPrefix(got, "Ok(()) "+full) && !strings.HasPrefix(got, full) {
				t.Errorf("got %.200s", got)
			}
			for range 50 {
				if got := get("/draft2/get?b&key-0"); len(got) < 500 {
					t.Errorf("got %s", got)
				}
			}
		}
		server.finish(t)
	}},
	{"a server's requests are traced to the collector that its container names, and the last ones sent at its end", func(t *testing.T, e env) {
		var l net.Listener
		if err := e.Netns.Do(func() (err error) {
			l, err = net.Listen("tcp", "127.0.0.1:0")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		c := collector.Start(t, l)
		server := e.start(t, inHostNetwork(guest(httpTool)).with(oci.WithEnv([]string{
			"WASMGO_HTTP_ADDR=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_SERVICE_NAME=tool", "OTEL_BSP_SCHEDULE_DELAY=3600000",
		})))
		url := "http://" + server.address(t)
		client := browser(t, e.Netns, false)
		for path, want := range map[string]int{"/trap": 500, "/env?OTEL_SERVICE_NAME": 200} {
			if status, _ := ask(t, client, "GET", url+path, nil); status != want {
				t.Errorf("%s: status %d", path, status)
			}
		}
		server.finish(t)
		servers := 0
		for _, s := range c.Await(t, func(s []collector.Span) bool { return len(s) >= 4 }) {
			if s.Resource["service.name"] != "tool" {
				t.Errorf("it is of %v", s.Resource)
			}
			if s.Kind != otlptrace.Span_SPAN_KIND_SERVER {
				continue
			}
			servers++
			if failed := s.Status == otlptrace.Status_STATUS_CODE_ERROR; failed != (s.Attributes["url.path"] == "/trap") || failed != (len(s.Events) == 1) {
				t.Errorf("%+v", s)
			}
		}
		if servers != 2 {
			t.Errorf("%d spans of a server", servers)
		}
	}},
}
