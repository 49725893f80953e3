package wasi

import (
	_ "embed"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// web exports every function of wasi:http; see testdata/README.md.
//
//go:embed testdata/http.component.wasm
var web []byte

// A listener is the other end of a guest's response.
type listener struct {
	informed []int
	status   int
	header   http.Header
	body     *message.Outgoing
	refused  *message.Code
}

func (l *listener) Inform(status int, _ *message.Fields) error {
	l.informed = append(l.informed, status)
	return nil
}

func (l *listener) Respond(status int, header *message.Fields, body *message.Outgoing) {
	l.status, l.header, l.body = status, http.Header{}, body
	header.AddTo(l.header)
}

func (l *listener) Refuse(why message.Code) { l.refused = &why }

// The handles that a guest has been called with.
const theRequest, theOutparam = uint32(1), uint32(2)

// newWeb makes a guest that has been called with a request.
func newWeb(t *testing.T) (*guest, *listener) {
	t.Helper()
	p := load(t, web)
	c := client.New(client.Config{})
	t.Cleanup(c.Close)
	var part *wasihttp.Host
	host, err := New(Config{Extend: []func(*wasiio.Host) Part{func(io *wasiio.Host) Part {
		part = wasihttp.New(io, c)
		return part
	}}})
	if err != nil {
		t.Fatal(err)
	}
	store := corewasm.NewStore(engine)
	t.Cleanup(func() {
		store.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	i, err := p.Instantiate(store, host.Interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{host, i.Instance("wasmgo:test/http")}
	r := httptest.NewRequest(http.MethodPost, "/path?query", strings.NewReader("hello"))
	r.Host = "example.com:81"
	r.Header = http.Header{"X-One": {"1", "2"}, "Connection": {"close"}}
	r.Trailer = http.Header{"X-End": {"well"}}
	body := part.Incoming(message.Source{Body: r.Body, Trailers: func() http.Header { return r.Trailer }})
	t.Cleanup(body.Stop)
	l := &listener{}
	if err := part.Handle(i, r, body, l); err != nil {
		t.Fatal(err)
	}
	g.play(t, []step{do(theRequest, "request"), do(theOutparam, "outparam")})
	return g, l
}

func field(name, value string) abi.Value { return abi.Record{text(name), octets(value)} }

func other(c uint32, name string) abi.Value { return abi.Variant{Case: c, Payload: text(name)} }

// fault is an error-code with what it carries.
func fault(k message.Kind, payload abi.Value) abi.Value {
	return abi.Variant{Case: uint32(k), Payload: payload}
}

// The cases of header-error.
var badSyntax, isForbidden, isImmutable = failed(enum(0)), failed(enum(1)), failed(enum(2))

var no = failed(nil)

// TestHTTPFunctions has the functions of wasi:http/types in the order of the WIT. 3 is the first handle that a guest makes.
func TestHTTPFunctions(t *testing.T) {
	const a, b, c, d = uint32(3), uint32(4), uint32(5), uint32(6)
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"fields: names have no case, values keep their order", []step{
			do(a, "new-fields"),
			do(false, "fields-has", a, text("x-a")),
			do(done(), "fields-append", a, text("X-A"), octets("1")),
			do(done(), "fields-append", a, text("x-b"), octets("")),
			do(done(), "fields-append", a, text("x-a"), octets("2")),
			do(true, "fields-has", a, text("x-A")),
			do(abi.List{octets("1"), octets("2")}, "fields-get", a, text("x-a")),
			do(abi.List{}, "fields-get", a, text("x-c")),
			do(abi.List{field("X-A", "1"), field("x-b", ""), field("x-a", "2")}, "fields-entries", a),
			do(done(), "fields-set", a, text("x-a"), abi.List{octets("3"), octets("4")}),
			do(abi.List{octets("3"), octets("4")}, "fields-get", a, text("x-a")),
			do(done(), "fields-delete", a, text("X-a")),
			do(done(), "fields-delete", a, text("x-nowhere")),
			do(abi.List{field("x-b", "")}, "fields-entries", a),
			do(nil, "fields-drop", a),
		}},
		{"fields: what is none is refused, and changes nothing", []step{
			do(ok(a), "fields-from-list", abi.List{field("x-a", "1")}),
			do(badSyntax, "fields-from-list", abi.List{field("x-a", "1"), field("x b", "2")}),
			do(isForbidden, "fields-from-list", abi.List{field("Transfer-Encoding", "chunked")}),
			do(badSyntax, "fields-append", a, text(""), octets("1")),
			do(badSyntax, "fields-append", a, text("x-a"), octets("1\r\nx-b: 2")),
			do(badSyntax, "fields-append", a, text("x:a"), octets("1")),
			do(isForbidden, "fields-append", a, text("Host"), octets("1")),
			do(isForbidden, "fields-set", a, text("connection"), abi.List{}),
			do(badSyntax, "fields-set", a, text("x-a"), abi.List{octets("2"), octets("\x00")}),
			do(badSyntax, "fields-delete", a, text("x a")),
			do(false, "fields-has", a, text("x a")),
			do(abi.List{field("x-a", "1")}, "fields-entries", a),
		}},
		{"fields: those of a message are immutable, and what is cloned is not", []step{
			do(a, "incoming-request-headers", theRequest),
			do(isImmutable, "fields-append", a, text("x-a"), octets("1")),
			do(isImmutable, "fields-set", a, text("x-one"), abi.List{}),
			do(isImmutable, "fields-delete", a, text("x-one")),
			do(b, "fields-clone", a),
			do(done(), "fields-append", b, text("x-two"), octets("3")),
			do(abi.List{field("x-one", "1"), field("x-one", "2")}, "fields-entries", a),
			do(abi.List{field("x-one", "1"), field("x-one", "2"), field("x-two", "3")}, "fields-entries", b),
			do(b, "new-outgoing-response", b), // which takes the fields
			do(c, "outgoing-response-headers", b),
			do(isImmutable, "fields-append", c, text("x-three"), octets("4")),
			do(d, "fields-clone", c),
			do(d, "new-outgoing-request", d),
			do(d+1, "outgoing-request-headers", d),
			do(isImmutable, "fields-delete", d+1, text("x-two")),
		}},
		{"incoming-request", []step{
			do(enum(2), "incoming-request-method", theRequest),
			do(some(text("/path?query")), "incoming-request-path-with-query", theRequest),
			do(some(enum(0)), "incoming-request-scheme", theRequest),
			do(some(text("example.com:81")), "incoming-request-authority", theRequest),
			do(ok(a), "incoming-request-consume", theRequest),
			do(no, "incoming-request-consume", theRequest),
			do(nil, "incoming-request-drop", theRequest), // the body stays
			do(ok(theRequest), "incoming-body-stream", a),
			do(ok(octets("hello")), "input-stream-blocking-read", theRequest, n(9)),
		}},
		{"outgoing-request", []step{
			do(a, "new-fields"),
			do(a, "new-outgoing-request", a),
			do(enum(0), "outgoing-request-method", a),
			do(done(), "outgoing-request-set-method", a, enum(8)),
			do(enum(8), "outgoing-request-method", a),
			do(done(), "outgoing-request-set-method", a, other(9, "PURGE")),
			do(no, "outgoing-request-set-method", a, other(9, "GET / HTTP/1.1\r\n")),
			do(other(9, "PURGE"), "outgoing-request-method", a),
			do(none(), "outgoing-request-path-with-query", a),
			do(done(), "outgoing-request-set-path-with-query", a, some(text("/a?b"))),
			do(no, "outgoing-request-set-path-with-query", a, some(text("/a b"))),
			do(some(text("/a?b")), "outgoing-request-path-with-query", a),
			do(none(), "outgoing-request-scheme", a),
			do(done(), "outgoing-request-set-scheme", a, some(enum(1))),
			do(no, "outgoing-request-set-scheme", a, some(other(2, "a b"))),
			do(some(enum(1)), "outgoing-request-scheme", a),
			do(done(), "outgoing-request-set-authority", a, some(text("[::1]:80"))),
			do(no, "outgoing-request-set-authority", a, some(text("a/b"))),
			do(no, "outgoing-request-set-authority", a, some(text("user@host"))),
			do(some(text("[::1]:80")), "outgoing-request-authority", a),
			do(ok(b), "outgoing-request-body", a),
			do(no, "outgoing-request-body", a),
			do(nil, "outgoing-request-drop", a),
		}},
		{"request-options", []step{
			do(a, "new-request-options"),
			do(none(), "request-options-connect-timeout", a),
			do(done(), "request-options-set-connect-timeout", a, some(n(5))),
			do(done(), "request-options-set-first-byte-timeout", a, some(n(6))),
			do(done(), "request-options-set-between-bytes-timeout", a, some(n(7))),
			do(some(n(5)), "request-options-connect-timeout", a),
			do(some(n(6)), "request-options-first-byte-timeout", a),
			do(some(n(7)), "request-options-between-bytes-timeout", a),
			do(done(), "request-options-set-first-byte-timeout", a, none()),
			do(none(), "request-options-first-byte-timeout", a),
			do(nil, "request-options-drop", a),
		}},
		{"outgoing-response", []step{
			do(a, "new-fields"),
			do(a, "new-outgoing-response", a),
			do(uint16(200), "outgoing-response-status-code", a),
			do(done(), "outgoing-response-set-status-code", a, uint16(404)),
			do(no, "outgoing-response-set-status-code", a, uint16(99)),
			do(no, "outgoing-response-set-status-code", a, uint16(1000)),
			do(uint16(404), "outgoing-response-status-code", a),
			do(ok(b), "outgoing-response-body", a),
			do(no, "outgoing-response-body", a),
			do(ok(c), "outgoing-body-write", b),
			do(no, "outgoing-body-write", b),
			do(done(), "output-stream-write", c, octets("x")),
			do(nil, "output-stream-drop", c),
			do(done(), "outgoing-body-finish", b, none()),
		}},
		{"incoming-body and future-trailers", []step{
			do(ok(a), "incoming-request-consume", theRequest),
			do(ok(b), "incoming-body-stream", a),
			do(no, "incoming-body-stream", a),
			do(ok(octets("hello")), "input-stream-blocking-read", b, n(9)),
			do(streamClosed(), "input-stream-blocking-read", b, n(9)),
			do(nil, "input-stream-drop", b),
			do(a, "incoming-body-finish", a),
			do(b, "future-trailers-subscribe", a),
			do(nil, "pollable-block", b),
			do(true, "pollable-ready", b),
			do(some(ok(ok(some(c)))), "future-trailers-get", a),
			do(abi.List{field("x-end", "well")}, "fields-entries", c),
			do(isImmutable, "fields-delete", c, text("x-end")),
			do(some(failed(nil)), "future-trailers-get", a),
			do(nil, "pollable-drop", b),
			do(nil, "future-trailers-drop", a),
		}},
		{"future-trailers of a body that was not read", []step{
			do(ok(a), "incoming-request-consume", theRequest),
			do(a, "incoming-body-finish", a),
			do(b, "future-trailers-subscribe", a),
			do(nil, "pollable-block", b),
			do(some(ok(ok(some(c)))), "future-trailers-get", a),
		}},
		{"a body that is longer than its message has said", []step{
			do(ok(a), "fields-from-list", abi.List{field("Content-Length", "3")}),
			do(a, "new-outgoing-response", a),
			do(ok(b), "outgoing-response-body", a),
			do(ok(c), "outgoing-body-write", b),
			do(done(), "output-stream-write", c, octets("abc")),
			do(lastFailed(d), "output-stream-write", c, octets("d")),
			do(some(fault(message.ResponseBodySize, some(n(4)))), "http-error-code", d),
			do(nil, "error-drop", d),
		}},
		{"a body that is shorter", []step{
			do(ok(a), "fields-from-list", abi.List{field("Content-Length", "3")}),
			do(a, "new-outgoing-request", a),
			do(ok(b), "outgoing-request-body", a),
			do(ok(c), "outgoing-body-write", b),
			do(done(), "output-stream-write", c, octets("ab")),
			do(nil, "output-stream-drop", c),
			do(failed(fault(message.RequestBodySize, some(n(2)))), "outgoing-body-finish", b, none()),
		}},
		{"a request to nowhere", []step{
			do(a, "new-fields"),
			do(a, "new-outgoing-request", a),
			do(failed(fault(message.RequestURIInvalid, nil)), "outgoing-handle", a, none()),
			do(a, "new-fields"),
			do(a, "new-outgoing-request", a),
			do(done(), "outgoing-request-set-authority", a, some(text("example.com"))),
			do(done(), "outgoing-request-set-scheme", a, some(other(2, "gopher"))),
			do(failed(fault(message.ProtocolError, nil)), "outgoing-handle", a, none()),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newWeb(t)
			for i, s := range tt.steps {
				if s.call == "output-stream-write" { // which wants to be told how much first
					g.call(t, "output-stream-check-write", s.args[0])
				}
				g.play(t, tt.steps[i:i+1])
			}
		})
	}
}

// TestOutparam: a response is told of once.
func TestOutparam(t *testing.T) {
	const a = uint32(3)
	g, l := newWeb(t)
	protocol := failed(fault(message.ProtocolError, nil))
	for status, want := range map[uint16]abi.Value{100: done(), 103: done(), 199: done(), 99: protocol, 101: protocol, 200: protocol} {
		g.play(t, []step{do(a, "new-fields"), do(want, "response-outparam-send-informational", theOutparam, status, a)})
	}
	slices.Sort(l.informed)
	if !slices.Equal(l.informed, []int{100, 103, 199}) {
		t.Errorf("informed of %v", l.informed)
	}
	g.play(t, []step{
		do(ok(a), "fields-from-list", abi.List{field("X-A", "1")}),
		do(a, "new-outgoing-response", a),
		do(done(), "outgoing-response-set-status-code", a, uint16(418)),
		do(nil, "response-outparam-set", theOutparam, ok(a)),
	})
	if l.status != 418 || l.header.Get("X-A") != "1" || l.body != nil || l.refused != nil {
		t.Errorf("the response is %+v", l)
	}
	if _, err := g.try("response-outparam-set", theOutparam, failed(fault(message.LoopDetected, nil))); err == nil {
		t.Error("it was set again")
	}
	if l.refused != nil {
		t.Errorf("and then refused: %v", l.refused)
	}

	g, l = newWeb(t)
	g.play(t, []step{do(nil, "response-outparam-set", theOutparam, failed(fault(message.InternalError, some(text("why")))))})
	if l.refused == nil || l.refused.Error() != "internal-error: why" {
		t.Errorf("refused with %v", l.refused)
	}
}

// TestHTTPMisuse: what the interface forbids ends the guest.
func TestHTTPMisuse(t *testing.T) {
	const a, b, c = uint32(3), uint32(4), uint32(5)
	for _, tt := range []struct {
		name  string
		steps []step
		trap  string
		call  string
		args  []abi.Value
	}{
		{"fields without end", []step{do(a, "new-fields")}, "fields of more than", "fields-append", []abi.Value{a, text("x"), octets(strings.Repeat("x", 1<<20))}},
		{
			"a body that is finished while it is read",
			[]step{do(ok(a), "incoming-request-consume", theRequest), do(ok(b), "incoming-body-stream", a)},
			"", "incoming-body-finish",
			[]abi.Value{a},
		},
		{"a body that is finished while it is written", []step{
			do(a, "new-fields"), do(a, "new-outgoing-response", a), do(ok(b), "outgoing-response-body", a), do(ok(c), "outgoing-body-write", b),
		}, "", "outgoing-body-finish", []abi.Value{b, none()}},
		{
			"a body that goes before its stream",
			[]step{do(ok(a), "incoming-request-consume", theRequest), do(ok(b), "incoming-body-stream", a)},
			"", "incoming-body-drop",
			[]abi.Value{a},
		},
		{"trailers that go before who waits for them", []step{
			do(ok(a), "incoming-request-consume", theRequest), do(a, "incoming-body-finish", a), do(b, "future-trailers-subscribe", a),
		}, "", "future-trailers-drop", []abi.Value{a}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newWeb(t)
			g.play(t, tt.steps)
			g.trap(t, tt.trap, tt.call, tt.args...)
		})
	}
}

// TestOutgoingRequest: what a guest learns of a response, and once.
func TestOutgoingRequest(t *testing.T) {
	const a, b, c = uint32(3), uint32(4), uint32(5)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Asked", r.Method+" "+r.RequestURI+" "+string(body))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "answer")
	}))
	defer s.Close()
	here := s.Listener.Addr().String()
	ask := func(g *guest, authority string) (future uint32) {
		g.play(t, []step{
			do(a, "new-fields"),
			do(a, "new-outgoing-request", a),
			do(done(), "outgoing-request-set-authority", a, some(text(authority))),
			do(done(), "outgoing-request-set-scheme", a, some(enum(0))),
			do(done(), "outgoing-request-set-method", a, enum(3)),
			do(done(), "outgoing-request-set-path-with-query", a, some(text("/p?q"))),
			do(ok(b), "outgoing-request-body", a),
			do(ok(c), "outgoing-body-write", b),
			do(ok(uint64(64<<10)), "output-stream-check-write", c),
			do(done(), "output-stream-write", c, octets("sent")),
			do(nil, "output-stream-drop", c),
			do(done(), "outgoing-body-finish", b, none()),
		})
		sent := g.call(t, "outgoing-handle", a, some(g.handle(t, "new-request-options"))) // which takes both
		future = sent.(abi.Variant).Payload.(uint32)
		ready := g.handle(t, "future-incoming-response-subscribe", future)
		g.play(t, []step{do(nil, "pollable-block", ready), do(nil, "pollable-drop", ready)})
		return future
	}
	// within is the handle in a result of results.
	within := func(v abi.Value) uint32 {
		for {
			switch x := v.(type) {
			case uint32:
				return x
			case abi.Variant:
				v = x.Payload
			default:
				t.Fatalf("no handle in %v", v)
			}
		}
	}
	g, _ := newWeb(t)
	future := ask(g, here)
	response := within(g.call(t, "future-incoming-response-get", future))
	g.play(t, []step{
		do(some(no), "future-incoming-response-get", future),
		do(uint16(202), "incoming-response-status", response),
	})
	fields := g.handle(t, "incoming-response-headers", response)
	g.play(t, []step{
		do(abi.List{octets("PUT /p?q sent")}, "fields-get", fields, text("x-asked")),
		do(isImmutable, "fields-delete", fields, text("x-asked")),
	})
	body := within(g.call(t, "incoming-response-consume", response))
	g.play(t, []step{do(no, "incoming-response-consume", response), do(nil, "incoming-response-drop", response)})
	stream := within(g.call(t, "incoming-body-stream", body))
	g.play(t, []step{
		do(ok(octets("answer")), "input-stream-blocking-read", stream, n(100)),
		do(streamClosed(), "input-stream-blocking-read", stream, n(100)),
		do(nil, "input-stream-drop", stream),
	})
	trailers := g.handle(t, "incoming-body-finish", body)
	g.play(t, []step{do(some(ok(ok(none()))), "future-trailers-get", trailers)})

	gone := httptest.NewServer(nil)
	gone.Close()
	g, _ = newWeb(t)
	future = ask(g, gone.Listener.Addr().String())
	g.play(t, []step{do(some(ok(failed(fault(message.ConnectionRefused, nil)))), "future-incoming-response-get", future)})
	_, err := g.try("outgoing-handle", uint32(77), none())
	if err == nil || errors.As(err, new(wasiio.Misuse)) {
		t.Errorf("a handle that is none: error %v", err)
	}
}
