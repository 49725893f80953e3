package observe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
)

// exporter makes a program that keeps what it is handed in files of the directory dir.
func exporter(t *testing.T) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(t.TempDir(), "exporter")
	script := "#!/bin/sh\necho \"$*\" > " + dir + "/args\ncat > " + dir + "/new.$$ && mv " + dir + "/new.$$ " + dir + "/spans.$$\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

// exported waits for batches and reads them, until there are so many spans.
func exported(t *testing.T, dir string, count int) []Record {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		files, err := filepath.Glob(filepath.Join(dir, "spans.*"))
		if err != nil {
			t.Fatal(err)
		}
		var all []Record
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var spans []Record
			if err := json.Unmarshal(body, &spans); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			all = append(all, spans...)
		}
		if len(all) >= count {
			return all
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%d spans, want %d", len(all), count)
		case <-tick.C:
		}
	}
}

const (
	parentTrace = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
)

// call has an observer watch a call about the container c1.
func call(o *Observer, ctx context.Context, verb string, answer error, inside func(context.Context)) error {
	info := &ttrpc.UnaryServerInfo{FullMethod: "/containerd.task.v3.Task/" + verb}
	unmarshal := func(m any) error {
		m.(*taskapi.ExecProcessRequest).ID = "c1"
		return nil
	}
	_, err := o.Intercept(ctx, unmarshal, info, func(ctx context.Context, unmarshal func(any) error) (any, error) {
		if err := unmarshal(&taskapi.ExecProcessRequest{}); err != nil {
			return nil, err
		}
		if inside != nil {
			inside(ctx)
		}
		return nil, errgrpc.ToGRPC(answer)
	})
	return err
}

func remote(flags string) context.Context {
	md := ttrpc.MD{}
	md.Set("traceparent", "00-"+parentTrace+"-"+parentSpan+"-"+flags)
	md.Set("tracestate", "a=b")
	return ttrpc.WithMetadata(context.Background(), md)
}

func TestSpans(t *testing.T) {
	program, dir := exporter(t)
	o, err := New(Config{Namespace: "n", ID: "i", Exporter: program, Environ: append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT=http://x")})
	if err != nil {
		t.Fatal(err)
	}
	_ = call(o, remote("01"), "Create", nil, func(ctx context.Context) {
		ctx, span := Start(ctx, "outer")
		Compiled(ctx, 0)
		_, inner := Start(ctx, "inner")
		inner.End(errors.New("no"))
		span.End(nil)
	})
	_ = call(o, remote("01"), "Exec", nil, func(ctx context.Context) { Compiled(ctx, 1500*time.Millisecond) })
	_ = call(o, remote("00"), "Kill", nil, nil) // whose caller does not record it
	if err := call(o, t.Context(), "Start", errdefs.ErrNotFound, nil); !errors.Is(errgrpc.ToNative(err), errdefs.ErrNotFound) {
		t.Errorf("the answer has become %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	byName := map[string]Record{}
	spans := exported(t, dir, 5)
	for _, s := range spans {
		byName[s.Name] = s
	}
	create, outer, inner, start := byName["containerd.task.v3.Task/Create"], byName["outer"], byName["inner"], byName["containerd.task.v3.Task/Start"]
	if a := byName["containerd.task.v3.Task/Exec"].Attributes; a["wasmgo.cached"] != "false" || a["wasmgo.compile.ms"] != "1500" {
		t.Errorf("compiled: %v", a)
	}
	if len(spans) != 5 {
		t.Errorf("%+v", spans)
	}
	if create.TraceID != parentTrace || create.Parent != parentSpan || !create.Remote || create.State != "a=b" || !create.Server ||
		create.Attributes["container.id"] != "c1" || create.Attributes["rpc.method"] != "Create" || create.Attributes["rpc.status"] != "OK" || create.End.Before(create.Begin) {
		t.Errorf("the call: %+v", create)
	}
	if outer.TraceID != parentTrace || outer.Parent != create.SpanID || outer.Remote || outer.Attributes["wasmgo.cached"] != "true" || inner.Parent != outer.SpanID || inner.Error != "no" {
		t.Errorf("inside: %+v, %+v", outer, inner)
	}
	if start.Parent != "" || len(start.TraceID) != 32 || start.TraceID == parentTrace || start.Attributes["rpc.status"] != "NotFound" || start.Error == "" {
		t.Errorf("without a caller's span: %+v", start)
	}
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil || string(args) != "spans n i\n" {
		t.Errorf("arguments %q, %v", args, err)
	}
}

func TestBatchGoesAfterAWhile(t *testing.T) {
	program, dir := exporter(t)
	o, err := New(Config{Exporter: program, Environ: append(os.Environ(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://x", "OTEL_BSP_SCHEDULE_DELAY=20")})
	if err != nil {
		t.Fatal(err)
	}
	_ = call(o, t.Context(), "State", nil, nil)
	exported(t, dir, 1)
	_ = call(o, t.Context(), "State", nil, nil)
	exported(t, dir, 2)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSpansAreBounded(t *testing.T) {
	tr := newTraces(Config{Exporter: "/nonesuch"})
	for range mostSpans + 5 {
		tr.add(Record{})
	}
	if spans, lost := tr.take(true); len(spans) != mostSpans || lost != 5 {
		t.Errorf("%d spans, %d lost", len(spans), lost)
	}
	tr.add(Record{})
	if spans, _ := tr.take(true); len(spans) != 0 {
		t.Error("a span was taken after the end")
	}
}

func TestNobodyWatches(t *testing.T) {
	for name, environ := range map[string][]string{
		"nothing is said":                nil,
		"switched off":                   {"OTEL_EXPORTER_OTLP_ENDPOINT=http://x", "OTEL_SDK_DISABLED=TRUE"},
		"no exporter":                    {"OTEL_EXPORTER_OTLP_ENDPOINT=http://x", "OTEL_TRACES_EXPORTER=none"},
		"an endpoint for another signal": {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://x"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := New(Config{Environ: environ})
			if o != nil || err != nil {
				t.Errorf("%v, %v", o, err)
			}
			inside := false
			if err := call(o, t.Context(), "Create", nil, func(ctx context.Context) {
				inside = true
				_, span := Start(ctx, "x")
				span.Set("a", "b")
				span.End(nil)
				Compiled(ctx, time.Second)
			}); err != nil || !inside {
				t.Errorf("the call itself: %v, %v", inside, err)
			}
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSampler(t *testing.T) {
	low, high := strings.Repeat("0", 31)+"1", strings.Repeat("f", 32)
	yes, no := traceparent{trace: low, span: "1", sampled: true}, traceparent{trace: low, span: "1"}
	for _, tt := range []struct {
		name, arg, trace string
		caller           traceparent
		want             bool
	}{
		{"", "", low, traceparent{}, true},
		{"", "", low, no, false},
		{"always_on", "", low, no, true},
		{"always_off", "", low, yes, false},
		{"parentbased_always_off", "", low, traceparent{}, false},
		{"parentbased_always_off", "", low, yes, true},
		{"traceidratio", "0.5", low, traceparent{}, true},
		{"traceidratio", "0.5", high, traceparent{}, false},
		{"traceidratio", "0", low, traceparent{}, false},
		{"traceidratio", "1", high, traceparent{}, true},
		{"traceidratio", "many", high, traceparent{}, true},
		{"parentbased_traceidratio", "0", low, yes, true},
		{"nonesuch", "", low, no, false},
	} {
		if got := newSampler(tt.name, tt.arg)(tt.trace, tt.caller); got != tt.want {
			t.Errorf("%s %s of %s below %+v: %v", tt.name, tt.arg, tt.trace, tt.caller, got)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	for _, seed := range []string{"", "00-" + parentTrace + "-" + parentSpan + "-01", "ff-" + parentTrace + "-" + parentSpan + "-01", "01-" + parentTrace + "-" + parentSpan + "-01-more"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		p, err := parseTraceparent(header)
		if err != nil {
			if p != (traceparent{}) {
				t.Errorf("%+v with %v", p, err)
			}
			return
		}
		if len(p.trace) != 32 || len(p.span) != 16 || !strings.Contains(header, p.trace+"-"+p.span) {
			t.Errorf("%q is %+v", header, p)
		}
	})
}

func TestTraceparent(t *testing.T) {
	good := "-" + parentTrace + "-" + parentSpan + "-01"
	for header, want := range map[string]bool{
		"00" + good: true, "cc" + good + "-what-will-be": true, "00" + good + "-x": false, "ff" + good: false,
		"00-" + strings.Repeat("0", 32) + "-" + parentSpan + "-01": false, "00-" + parentTrace + "-" + strings.Repeat("0", 16) + "-01": false,
		"00-" + strings.ToUpper(parentTrace) + "-" + parentSpan + "-01": false, "0" + good: false,
	} {
		if p, err := parseTraceparent(header); (err == nil) != want || want && !p.sampled {
			t.Errorf("%q: %+v, %v", header, p, err)
		}
	}
}

// page asks a shim's socket as curl would.
func page(t *testing.T, socket string) string {
	t.Helper()
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	answer, err := web.Get("http://shim/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return string(body)
}

func TestFigures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "metrics")
	watch := func() *Observer {
		o, err := New(Config{Namespace: `a"b`, Metrics: dir, Containers: func() int { return 3 }})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := watch()
	_ = call(o, t.Context(), "Create", nil, func(ctx context.Context) { Compiled(ctx, 3*time.Second) })
	_ = call(o, t.Context(), "Create", nil, func(ctx context.Context) { Compiled(ctx, 0) })
	_ = call(o, t.Context(), "Wait", errdefs.ErrNotFound, nil)
	sockets, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%q, %v", sockets, err)
	}
	has := func(page string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if !strings.Contains("\n"+page, "\n"+line+"\n") {
				t.Errorf("%s is not in\n%s", line, page)
			}
		}
	}
	const space = `namespace="a\"b"`
	counted := []string{
		`wasmgo_shim_calls_total{` + space + `,method="Create",code="OK"} 2`,
		`wasmgo_shim_calls_total{` + space + `,method="Wait",code="NotFound"} 1`,
		`wasmgo_shim_call_seconds_count{` + space + `,method="Create"} 2`,
		`wasmgo_shim_call_seconds_bucket{` + space + `,method="Create",le="+Inf"} 2`,
		`wasmgo_cache_hits_total{` + space + `} 1`,
		`wasmgo_compile_seconds_count{` + space + `} 1`,
		`wasmgo_compile_seconds_sum{` + space + `} 3`,
		`wasmgo_compile_seconds_bucket{` + space + `,le="2.5"} 0`,
		`wasmgo_compile_seconds_bucket{` + space + `,le="5"} 1`,
	}
	live := page(t, sockets[0])
	has(live, append(counted, `wasmgo_shim_containers{`+space+`} 3`, `wasmgo_shims{`+space+`} 1`, "# TYPE wasmgo_shim_call_seconds histogram")...)
	if strings.Contains(live, `call_seconds_count{`+space+`,method="Wait"}`) {
		t.Error("the time of a Wait is counted")
	}
	if sum, err := Gather(t.Context(), dir); err != nil || !strings.Contains(sum, counted[0]+"\n") {
		t.Errorf("gathered %v:\n%s", err, sum)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	// A shim that was killed leaves its socket.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "1.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	o = watch()
	_ = call(o, t.Context(), "Create", nil, nil)
	sum, err := Gather(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	has(sum, `wasmgo_shim_calls_total{`+space+`,method="Create",code="OK"} 3`, `wasmgo_cache_hits_total{`+space+`} 1`, `wasmgo_shims{`+space+`} 1`)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err = Gather(t.Context(), dir)
	if err != nil || strings.Contains(sum, "wasmgo_shims") {
		t.Errorf("%v: a gauge of a shim that has ended:\n%s", err, sum)
	}
	has(sum, `wasmgo_shim_calls_total{`+space+`,method="Create",code="OK"} 3`)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != endedName {
		t.Errorf("left: %v, %v", left, err)
	}
	if sum, err := Gather(t.Context(), filepath.Join(dir, "none")); sum != "" || err != nil {
		t.Errorf("no directory: %q, %v", sum, err)
	}
}

func TestDirectoryThatCannotBe(t *testing.T) {
	o, err := New(Config{Metrics: "/dev/null/x"})
	if err == nil || !strings.Contains(err.Error(), "setting metrics") {
		t.Errorf("error %v", err)
	}
	if err := call(o, t.Context(), "State", nil, nil); err != nil {
		t.Errorf("the call: %v", err)
	}
}

// FuzzSum: whatever a page has, a sum can be added to the next one, and adding nothing changes nothing.
func FuzzSum(f *testing.F) {
	for _, seed := range []string{"", "# TYPE a counter\na{b=\"c d\"} 1\na 2\n", "# TYPE a\na 1", "# TYPE  x\n x 1", "# TYPE a counter\na NaN\na 1e400"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, page string) {
		s := NewSum()
		s.Add(page)
		once := s.String()
		again := NewSum()
		again.Add(once)
		again.Add("")
		if again.String() != once {
			t.Errorf("%q became %q", once, again.String())
		}
	})
}

func TestCallsAreLoggedAtDebug(t *testing.T) {
	var b strings.Builder
	old, level := log.L.Logger.Out, log.L.Logger.Level
	log.L.Logger.SetOutput(&b)
	if err := log.SetLevel("debug"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		log.L.Logger.SetOutput(old)
		log.L.Logger.SetLevel(level)
	})
	o, err := New(Config{})
	if err != nil || o == nil {
		t.Fatalf("%v, %v", o, err)
	}
	_ = call(o, t.Context(), "Kill", errdefs.ErrNotFound, nil)
	if line := b.String(); !strings.Contains(line, "id=c1") || !strings.Contains(line, "method=Kill") || !strings.Contains(line, "not found") || !strings.Contains(line, "took=") {
		t.Errorf("%s", line)
	}
}
