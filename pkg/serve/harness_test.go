package serve

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/test/guests"
)

// As in the program: the first thread's stack is too small for guests.
func init() { runtime.LockOSThread() }

// programs are the guests, compiled once for all tests, for the kind of engine that they would be served by: those with little data have
// one, those with much another.
var programs = struct {
	sync.Mutex
	engines map[bool]*engine.Engine
	loaded  map[string]*component.Program
}{engines: map[bool]*engine.Engine{}, loaded: map[string]*component.Program{}}

func load(t testing.TB, name string) (*engine.Engine, *component.Program) {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	file, err := os.ReadFile(guests.Component(t, name))
	if err != nil {
		t.Fatal(err)
	}
	little := len(file) < 1<<20
	if programs.engines[little] == nil {
		e, err := engine.New(engine.Interruptible, map[bool]engine.Option{true: engine.Recycled, false: engine.Pooled(140)}[little])
		if err != nil {
			t.Fatal(err)
		}
		programs.engines[little] = e
	}
	e := programs.engines[little]
	if programs.loaded[name] == nil {
		p, err := component.Load(file, func(m []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(e.Wasmtime(), m) })
		if err != nil {
			t.Fatal(err)
		}
		programs.loaded[name] = p
	}
	return e, programs.loaded[name]
}

// A rig is a server with a guest, and a client of it.
type rig struct {
	*server
	url     string
	addr    string
	signals chan os.Signal
	ended   chan error
	client  *http.Client // HTTP/1.1
	h2      *http.Client // HTTP/2 without TLS

	mu    sync.Mutex
	said  strings.Builder // guarded by mu; what the server has complained of
	print press           // what the guest has written
}

// A press is an output of the guest.
type press struct {
	mu  sync.Mutex
	out bytes.Buffer // guarded by mu
}

func (p *press) CheckWrite() (int, error) { return 4096, nil }
func (p *press) Write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Write(b)
	return nil
}
func (p *press) Flush() error          { return nil }
func (p *press) Close() error          { return nil }
func (p *press) Watch(w *wasiio.Watch) { w.Ready() }
func (r *rig) complaints() string      { r.mu.Lock(); defer r.mu.Unlock(); return r.said.String() }
func (r *rig) get(path string) string  { return r.url + path }
func (r *rig) over(h2 bool) *http.Client {
	return map[bool]*http.Client{false: r.client, true: r.h2}[h2]
}

// start serves a guest until the test ends.
func start(t testing.TB, name string, set func(*handover.HTTP), env ...string) *rig {
	t.Helper()
	return startAs(t, name, func(s *runner.Service) {
		s.Env = env
		if set != nil {
			set(&s.HTTP)
		}
	})
}

// startAs is start with whatever else a service has.
func startAs(t testing.TB, name string, set func(*runner.Service)) *rig {
	t.Helper()
	e, p := load(t, name)
	r := &rig{signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
	s := runner.Service{
		Name: "/" + name + ".wasm", Engine: e.Wasmtime(), Program: p, Limits: noLimits, HTTP: handover.HTTP{Addr: "127.0.0.1:0"},
		Complain: func(message string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.said.WriteString(message + "\n")
		},
	}
	set(&s)
	if s.World == nil {
		s.World = func(extend ...func(*wasiio.Host) wasi.Part) (*wasi.Host, error) {
			return wasi.New(wasi.Config{Config: cli.Config{Env: s.Env, Stdout: &r.print, Stderr: &r.print}, Extend: extend})
		}
	}
	settings, err := complete(s.HTTP, s.Env, s.Limits)
	if err != nil {
		t.Fatal(err)
	}
	buckets, err := openBuckets(s.Extension)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(settings)
	if err != nil {
		t.Fatal(err)
	}
	r.server = newServer(service{s, settings, buckets, openTracer(s)}, runtime.GOMAXPROCS(0))
	r.addr = l.requests.Addr().String()
	r.url = "http://" + r.addr
	go func() { r.ended <- r.serve(l, r.signals) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	r.client = &http.Client{Transport: transport, Timeout: time.Minute}
	two := &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	r.h2 = &http.Client{Transport: two, Timeout: time.Minute}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		two.CloseIdleConnections()
		r.signals <- syscall.SIGTERM
		select {
		case err := <-r.ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server does not end")
		}
	})
	return r
}

// fetch is the status and the body of a response.
func fetch(t testing.TB, c *http.Client, method, url string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: read the body: %v after %d bytes", url, err, len(b))
	}
	return res, string(b)
}

// dial is a connection to speak HTTP on by hand.
func (r *rig) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

var noLimits = engine.Limits{Memory: -1, Table: 1_000_000}

var errInUse error = syscall.EADDRINUSE
