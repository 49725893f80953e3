package observe

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/containerd/ttrpc"
)

// Record is a span that has ended, on its way to the process that exports it.
type Record struct {
	TraceID string `json:"traceId"` // 32 hexadecimal digits
	SpanID  string `json:"spanId"`  // 16
	// Parent is the span above, "" for none; Remote that it is the caller's.
	Parent string `json:"parent,omitempty"`
	Remote bool   `json:"remote,omitempty"`
	// State is W3C's tracestate, handed on as it came.
	State string `json:"state,omitempty"`
	Name  string `json:"name"`
	// Server is set for a call from outside.
	Server     bool              `json:"server,omitempty"`
	Begin      time.Time         `json:"begin"`
	End        time.Time         `json:"end"`
	Attributes map[string]string `json:"attributes,omitempty"`
	// Error is what went wrong, "" for nothing.
	Error string `json:"error,omitempty"`
}

// kindServer marks a span of a call from outside.
const kindServer = true

// Span is one that has not ended. It is for one goroutine. A nil one does nothing.
type Span struct {
	record Record
	to     *traces
}

// Start begins a span below that of ctx. Without one there it returns ctx and nil.
func Start(ctx context.Context, name string) (context.Context, *Span) {
	s := scopeOf(ctx)
	if s.span == nil {
		return ctx, nil
	}
	above := s.span.record
	s.span = &Span{to: s.span.to, record: Record{
		TraceID: above.TraceID, SpanID: newID(8), Parent: above.SpanID, State: above.State, Name: name, Begin: time.Now(),
	}}
	return context.WithValue(ctx, scopeKey{}, s), s.span
}

// Set says something of a span, unless value is empty.
func (s *Span) Set(key, value string) {
	if s == nil || value == "" {
		return
	}
	if s.record.Attributes == nil {
		s.record.Attributes = map[string]string{}
	}
	s.record.Attributes[key] = value
}

// End ends the span. Err is what went wrong, nil for nothing.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.end(err.Error())
		return
	}
	s.end("")
}

// end ends it, with a message if something went wrong.
func (s *Span) end(message string) {
	s.record.End, s.record.Error = time.Now(), message
	s.to.add(s.record)
}

// begin begins the span of a call, below the caller's, unless it is not to be recorded.
func (t *traces) begin(ctx context.Context, name string, server bool) *Span {
	parent, _ := ttrpc.GetMetadataValue(ctx, "traceparent")
	caller, err := parseTraceparent(parent)
	if err != nil {
		caller = traceparent{}
	}
	r := Record{TraceID: caller.trace, Parent: caller.span, Remote: caller.span != "", SpanID: newID(8), Name: name, Server: server, Begin: time.Now()}
	if caller.span != "" {
		r.State, _ = ttrpc.GetMetadataValue(ctx, "tracestate")
	} else {
		r.TraceID = newID(16)
	}
	if !t.sample(r.TraceID, caller) {
		return nil
	}
	return &Span{to: t, record: r}
}

// newID is so many random bytes, in hexadecimal digits. They name something, and keep nothing secret.
func newID(size int) string {
	b := make([]byte, 0, 16)
	for len(b) < size {
		// One that is all zeros is invalid.
		for n, i := rand.Uint64()|1, 0; i < 8; i++ {
			b = append(b, byte(n>>(8*i)))
		}
	}
	return hex.EncodeToString(b[:size])
}

// traceparent is the caller's span.
type traceparent struct {
	trace, span string // in hexadecimal digits; "" for none
	sampled     bool
}

var errTraceparent = errors.New("no traceparent")

// parseTraceparent reads the header of W3C's Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header.
func parseTraceparent(header string) (p traceparent, err error) {
	const size = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	parts := strings.SplitN(header, "-", 5)
	if len(header) < size || len(parts) < 4 || len(header) > size && parts[0] == "00" || parts[0] == "ff" {
		return p, errTraceparent
	}
	for i, digits := range []int{2, 32, 16, 2} {
		if len(parts[i]) != digits || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return p, errTraceparent
		}
	}
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return p, errTraceparent
	}
	flags, err := hex.DecodeString(parts[3])
	if err != nil {
		return p, errTraceparent
	}
	return traceparent{trace: parts[1], span: parts[2], sampled: flags[0]&1 != 0}, nil
}
