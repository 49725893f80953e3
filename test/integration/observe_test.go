package integration

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// otel is a collector of spans.
type otel struct {
	url string

	mu    sync.Mutex
	spans map[string]map[string]*v1.Span // by service and by span's identifier
}

func newCollector(t *testing.T) *otel {
	t.Helper()
	c := &otel{spans: map[string]map[string]*v1.Span{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var batch collector.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &batch)
		}
		if err != nil {
			t.Errorf("what %s sent: %v", r.UserAgent(), err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, rs := range batch.ResourceSpans {
			service := ""
			for _, a := range rs.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			if c.spans[service] == nil {
				c.spans[service] = map[string]*v1.Span{}
			}
			for _, ss := range rs.ScopeSpans {
				for _, span := range ss.Spans {
					c.spans[service][hex.EncodeToString(span.SpanId)] = span
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// await waits for a span of a service, and for its parent at another.
func (c *otel) await(t *testing.T, service, name, parentService string) (span, parent *v1.Span) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for ; ; time.Sleep(10 * time.Millisecond) { // the programs tell nobody when they send
		c.mu.Lock()
		for _, s := range c.spans[service] {
			if p := c.spans[parentService][hex.EncodeToString(s.ParentSpanId)]; s.Name == name && p != nil {
				span, parent = s, p
			}
		}
		names := map[string][]string{}
		for service, spans := range c.spans {
			for _, s := range spans {
				names[service] = append(names[service], s.Name)
			}
		}
		c.mu.Unlock()
		if span != nil {
			return span, parent
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s of %s below a span of %s; there are %v", name, service, parentService, names)
		}
	}
}

// helloImage is the smallest image there is.
func helloImage(t *testing.T) pack.Image {
	t.Helper()
	return pack.Image{Name: "test.local/hello:1", Files: map[string]pack.File{"/hello.wasm": {Content: guests.Bytes(t, "hello")}}}
}

const shimService = "containerd-shim-wasmgo-v1"

// TestObservedShim has one containerd whose environment and file of settings ask for all there is.
func TestObservedShim(t *testing.T) {
	daemon.NeedRoot(t)
	c := newCollector(t)
	dir := t.TempDir()
	metrics := filepath.Join(dir, "metrics")
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte("log-level = 'debug'\nlog-format = 'json'\nhttp-timeout = '10s'\nmetrics = '"+metrics+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := daemon.Containerd(t, daemon.Env("WASMGO_CONFIG_FILE="+config), daemon.Env("OTEL_EXPORTER_OTLP_ENDPOINT="+c.url), daemon.Env("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
		daemon.Env("OTEL_BSP_SCHEDULE_DELAY=100"))
	image := helloImage(t)
	d.Import(t, image)
	run := func(t *testing.T, flags ...string) daemon.Result {
		t.Helper()
		return d.Ctr(t, append(append([]string{"run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...), image.Name, "observed", "/hello.wasm")...).Run(t)
	}
	if r := run(t); r.Code != 0 || r.Stdout != "hello from wasm\n" {
		t.Fatalf("%+v", r)
	}

	t.Run("its spans are below containerd's", func(t *testing.T) {
		create, above := c.await(t, shimService, "containerd.task.v3.Task/Create", "containerd")
		if hex.EncodeToString(create.TraceId) != hex.EncodeToString(above.TraceId) || create.Kind != v1.Span_SPAN_KIND_SERVER {
			t.Errorf("%v below %v", create, above)
		}
		for _, a := range create.Attributes {
			if a.Key == "container.id" && a.Value.GetStringValue() != "observed" {
				t.Errorf("%v", create)
			}
		}
		sandbox, above := c.await(t, shimService, "sandbox", shimService)
		if above.Name != create.Name || sandbox.StartTimeUnixNano < create.StartTimeUnixNano || sandbox.EndTimeUnixNano > create.EndTimeUnixNano {
			t.Errorf("%v below %v", sandbox, above)
		}
		c.await(t, shimService, "module", shimService)
	})
	t.Run("its figures outlive it", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(daemon.Built(t), shimService), "metrics", "--dir", metrics)
		cmd.Env = append(os.Environ(), "WASMGO_ROOT="+d.Root())
		for deadline := time.Now().Add(patience); ; {
			out, err := exec.CommandContext(t.Context(), cmd.Path, cmd.Args[1:]...).Output()
			if err != nil {
				t.Fatal(err)
			}
			page := string(out)
			if strings.Contains(page, `wasmgo_shim_calls_total{namespace="`+d.Namespace+`",method="Delete",code="OK"} 1`+"\n") &&
				strings.Contains(page, `wasmgo_compile_seconds_count{namespace="`+d.Namespace+`"} 1`+"\n") {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("figures:\n%s", page)
			}
		}
	})
	t.Run("its log is JSON with the container's id", func(t *testing.T) {
		for line := range strings.Lines(d.Log()) {
			var entry struct{ ID, Method, Namespace, Runtime, Level, Took string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Method == "Create" {
				if entry.ID != "observed" || entry.Namespace != d.Namespace || entry.Runtime != daemon.Runtime || entry.Level != "debug" || entry.Took == "" {
					t.Errorf("%+v", entry)
				}
				return
			}
		}
		t.Error("no line about Create in containerd's log")
	})
	t.Run("an annotation does not widen the operator's bound", func(t *testing.T) {
		r := run(t, "--annotation", "io.containerd.wasmgo.http-timeout=1h")
		if want := "annotation io.containerd.wasmgo.http-timeout: 1h is more than the 10s that the operator allows (" + config + ", line 3)"; r.Code == 0 || !strings.Contains(r.Stderr, want) {
			t.Errorf("%+v does not say %q", r, want)
		}
	})
	t.Run("a variable of the operator's alone is refused", func(t *testing.T) {
		r := run(t, "--env", "WASMGO_ALLOW_MACHINE_CODE=true")
		if r.Code == 0 || !strings.Contains(r.Stderr, "allow-machine-code cannot be set here: it is the operator's alone") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a runtime's options win over the file, and a wrong one is named", func(t *testing.T) {
		options := filepath.Join(dir, "options.toml")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(options, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("http-timeout = '2h'\n")
		if r := run(t, "--runtime-config-path", options, "--annotation", "io.containerd.wasmgo.http-timeout=1h"); r.Code != 0 {
			t.Errorf("%+v", r)
		}
		write("\nhttp-timout = '2h'\n")
		r := run(t, "--runtime-config-path", options)
		if want := options + ", line 2: no such setting: \"http-timout\"; did you mean http-timeout?"; r.Code == 0 || !strings.Contains(r.Stderr, want) {
			t.Errorf("%+v does not say %q", r, want)
		}
	})
	t.Run("a file that is wrong is named, and the next good one holds", func(t *testing.T) {
		rewrite(t, config, "http-timeout", "http-timeouts")
		if r := run(t); r.Code == 0 || !strings.Contains(r.Stderr, config+", line 3: no such setting") {
			t.Errorf("%+v", r)
		}
		rewrite(t, config, "http-timeouts", "http-timeout")
		if r := run(t); r.Code != 0 {
			t.Errorf("%+v", r)
		}
	})
}
