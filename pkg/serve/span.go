package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
)

// A span is the span of a request, with those of what is done for it:
//
//	whoever asks
//	└─ GET                  server    from its header to the end of its response; a trap is an event of it
//	   ├─ instance start    internal  until there is an instance
//	   └─ GET               client    each request that the guest makes, to the end of its response
//	      └─ whoever is asked
//
// The guest sees the header traceparent of the server's span, so that spans of its own, if it makes any, are below that. What it sends with
// a traceparent of its own keeps it; one that it has only passed on gives way to that of the client's span. A nil span does nothing.
type span struct {
	trace.Span
	tracer *tracer
	ctx    context.Context // with the span in it; as long as the request
	failed bool            // the span says why
}

// begin begins the span of a request.
func (t *tracer) begin(r *http.Request) *span {
	if t == nil {
		return nil
	}
	carrier := propagation.HeaderCarrier(r.Header)
	ctx := t.propagator.Extract(context.Background(), carrier)
	ctx, s := t.Start(ctx, spanName(r.Method), trace.WithSpanKind(trace.SpanKindServer))
	if s.IsRecording() {
		s.SetAttributes(describe(r)...)
	}
	t.propagator.Inject(ctx, carrier)
	return &span{Span: s, tracer: t, ctx: ctx}
}

// describe is the attributes of a request that is served. The samplers there are have no use for them, so they are made for the requests
// that are sampled alone.
func describe(r *http.Request) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 16)
	attributes = append(attributes, semconv.URLScheme("http"), semconv.URLPath(r.URL.Path), semconv.NetworkProtocolVersion(version(r.ProtoMajor, r.ProtoMinor)))
	attributes = append(attributes, methodAttributes(r.Method)...)
	attributes = append(attributes, serverAttributes(r.Host, "http")...)
	if r.URL.RawQuery != "" {
		attributes = append(attributes, semconv.URLQuery(withoutSecrets(r.URL.RawQuery)))
	}
	if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		n, _ := strconv.Atoi(port)
		attributes = append(attributes, semconv.ClientAddress(host), semconv.NetworkPeerAddress(host), semconv.NetworkPeerPort(n))
	}
	if agent := r.UserAgent(); agent != "" {
		attributes = append(attributes, semconv.UserAgentOriginal(agent))
	}
	return attributes
}

// now is the time, if anybody wants to know.
func (s *span) now() (t time.Time) {
	if s != nil {
		t = time.Now()
	}
	return t
}

// started notes how an instance came to be, which has taken since then.
func (s *span) started(i *instance, since time.Time, err error) {
	if s == nil {
		return
	}
	if err == nil {
		i.http.Observe(s.observe)
	}
	if !s.IsRecording() {
		return
	}
	_, start := s.tracer.Start(s.ctx, "instance start", trace.WithTimestamp(since))
	defer start.End()
	if err != nil {
		fail(start, err)
		return
	}
	start.SetAttributes(attribute.Bool("wasmgo.instance.reused", i.served > 0))
}

// trapped notes how a guest has ended that has not returned.
func (s *span) trapped(err error) {
	if s != nil {
		s.failed = true
		fail(s, err)
	}
}

// fail puts an error into a span: its last line, which is the engine's reason, and all of it, which is the backtrace.
func fail(s trace.Span, err error) {
	whole := strings.TrimSpace(err.Error())
	message := strings.TrimSpace(whole[strings.LastIndexByte(whole, '\n')+1:])
	s.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(
		semconv.ExceptionType("trap"), semconv.ExceptionMessage(message), semconv.ExceptionStacktrace(whole)))
	s.SetAttributes(semconv.ErrorTypeKey.String("trap"))
	s.SetStatus(codes.Error, message)
}

// end ends the span of a request that is answered.
func (s *span) end(x *exchange) {
	if s == nil {
		return
	}
	if x.status != 0 && s.IsRecording() {
		s.SetAttributes(semconv.HTTPResponseStatusCode(x.status))
	}
	if !s.failed && (x.status >= 500 || x.broken) {
		kind := strconv.Itoa(x.status)
		if x.broken && x.status < 500 {
			kind = "broken_response"
		}
		s.SetAttributes(semconv.ErrorTypeKey.String(kind))
		s.SetStatus(codes.Error, "")
	}
	s.End()
}

// observe is a [client.Observer]: it begins the span of a request that the guest makes.
func (s *span) observe(r *http.Request) client.Observed {
	ctx, sent := s.tracer.Start(s.ctx, spanName(r.Method), trace.WithSpanKind(trace.SpanKindClient))
	if sent.IsRecording() {
		u := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: withoutSecrets(r.URL.RawQuery)}
		sent.SetAttributes(methodAttributes(r.Method)...)
		sent.SetAttributes(serverAttributes(r.URL.Host, r.URL.Scheme)...)
		sent.SetAttributes(semconv.URLFull(u.String()))
	}
	carrier := propagation.HeaderCarrier(r.Header)
	given := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
	if !given.IsValid() || given.SpanID() == s.SpanContext().SpanID() {
		s.tracer.propagator.Inject(ctx, carrier)
	}
	return clientSpan{sent}
}

// A clientSpan is the span of a request that a guest makes.
type clientSpan struct{ trace.Span }

// Responded implements [client.Observed].
func (s clientSpan) Responded(status int) {
	s.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= 400 {
		s.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		s.SetStatus(codes.Error, "")
	}
}

// Ended implements [client.Observed].
func (s clientSpan) Ended(err error) {
	if err != nil {
		kind := "other"
		if code, ok := errors.AsType[message.Code](err); ok {
			kind = code.Kind.String()
		}
		s.SetAttributes(semconv.ErrorTypeKey.String(kind))
		s.SetStatus(codes.Error, err.Error())
	}
	s.End()
}

// methods are those that the conventions know. Others could be any number.
var methods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}

// spanName is the name of a span for a method.
func spanName(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "HTTP"
}

// methodAttributes are those for a method.
func methodAttributes(method string) []attribute.KeyValue {
	if slices.Contains(methods, method) {
		return []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(method)}
	}
	return []attribute.KeyValue{semconv.HTTPRequestMethodOther, semconv.HTTPRequestMethodOriginal(method)}
}

// serverAttributes are those for host[:port].
func serverAttributes(authority, scheme string) []attribute.KeyValue {
	u := url.URL{Host: authority}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = map[string]int{"http": 80, "https": 443}[scheme]
	}
	return []attribute.KeyValue{semconv.ServerAddress(u.Hostname()), semconv.ServerPort(port)}
}

func version(major, minor int) string {
	if major >= 2 {
		return strconv.Itoa(major)
	}
	return strconv.Itoa(major) + "." + strconv.Itoa(minor)
}

// secrets are the names in queries whose values the conventions have redacted: signatures by which others could do the same.
var secrets = []string{"AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"}

// withoutSecrets is a query without them.
func withoutSecrets(query string) string {
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if name, _, ok := strings.Cut(p, "="); ok && slices.Contains(secrets, name) {
			parts[i] = name + "=REDACTED"
		}
	}
	return strings.Join(parts, "&")
}
