package otlp

import (
	"encoding/binary"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The wire types of fields that are written here.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

// A message of protocol buffers, field after field. Fields that are 0 or empty are left out, as proto3 has it.
type message []byte

func (m message) tag(field, kind int) message { return binary.AppendUvarint(m, uint64(field<<3|kind)) }

func (m message) number(field int, v uint64) message {
	if v == 0 {
		return m
	}
	return binary.AppendUvarint(m.tag(field, varint), v)
}

func (m message) fixed64(field int, v uint64) message {
	if v == 0 {
		return m
	}
	return binary.LittleEndian.AppendUint64(m.tag(field, fixed64), v)
}

func (m message) fixed32(field int, v uint32) message {
	if v == 0 {
		return m
	}
	return binary.LittleEndian.AppendUint32(m.tag(field, fixed32), v)
}

func (m message) text(field int, s string) message {
	if s == "" {
		return m
	}
	return append(binary.AppendUvarint(m.tag(field, delimited), uint64(len(s))), s...)
}

func (m message) bytes(field int, b []byte) message {
	if len(b) == 0 {
		return m
	}
	return m.message(field, b)
}

// message is a field that is there even if it is empty.
func (m message) message(field int, b []byte) message {
	return append(binary.AppendUvarint(m.tag(field, delimited), uint64(len(b))), b...)
}

// encode is an ExportTraceServiceRequest. Spans of one resource and one scope come together, as they mostly are.
func encode(spans []sdktrace.ReadOnlySpan) []byte {
	type key struct {
		resource attribute.Distinct
		scope    instrumentation.Scope
	}
	var order []key
	grouped := map[key][]sdktrace.ReadOnlySpan{}
	for _, s := range spans {
		k := key{s.Resource().Equivalent(), s.InstrumentationScope()}
		if grouped[k] == nil {
			order = append(order, k)
		}
		grouped[k] = append(grouped[k], s)
	}
	var request message
	for _, k := range order {
		var scoped message
		scoped = scoped.message(1, encodeScope(k.scope)) // scope
		for _, s := range grouped[k] {
			scoped = scoped.message(2, encodeSpan(s)) // spans
		}
		scoped = scoped.text(3, k.scope.SchemaURL) // schema_url
		r := grouped[k][0].Resource()
		var resourced message
		resourced = resourced.message(1, encodeResource(r)) // resource
		resourced = resourced.message(2, scoped)            // scope_spans
		resourced = resourced.text(3, r.SchemaURL())        // schema_url
		request = request.message(1, resourced)             // resource_spans
	}
	return request
}

func encodeResource(r *resource.Resource) (m message) {
	return m.attributes(1, r.Attributes()) // attributes
}

func encodeScope(s instrumentation.Scope) (m message) {
	m = m.text(1, s.Name).text(2, s.Version)
	return m.attributes(3, s.Attributes.ToSlice())
}

// Flags of a span besides those of its trace.
const (
	parentKnown  = 0x100 // whether the parent is remote is said
	parentRemote = 0x200 // it is
)

func encodeSpan(s sdktrace.ReadOnlySpan) (m message) {
	c, parent := s.SpanContext(), s.Parent()
	id, span := c.TraceID(), c.SpanID()
	m = m.bytes(1, id[:]).bytes(2, span[:]).text(3, c.TraceState().String())
	if parent.HasSpanID() {
		above := parent.SpanID()
		m = m.bytes(4, above[:])
	}
	m = m.text(5, s.Name()).number(6, uint64(s.SpanKind()))
	m = m.fixed64(7, uint64(s.StartTime().UnixNano())).fixed64(8, uint64(s.EndTime().UnixNano()))
	m = m.attributes(9, s.Attributes()).number(10, uint64(s.DroppedAttributes()))
	for _, e := range s.Events() {
		var event message
		event = event.fixed64(1, uint64(e.Time.UnixNano())).text(2, e.Name).attributes(3, e.Attributes).number(4, uint64(e.DroppedAttributeCount))
		m = m.message(11, event)
	}
	m = m.number(12, uint64(s.DroppedEvents()))
	for _, l := range s.Links() {
		linked, span := l.SpanContext.TraceID(), l.SpanContext.SpanID()
		var link message
		link = link.bytes(1, linked[:]).bytes(2, span[:]).text(3, l.SpanContext.TraceState().String())
		link = link.attributes(4, l.Attributes).number(5, uint64(l.DroppedAttributeCount)).fixed32(6, flags(l.SpanContext, l.SpanContext.IsRemote()))
		m = m.message(13, link)
	}
	m = m.number(14, uint64(s.DroppedLinks()))
	status := message(nil).text(2, s.Status().Description).number(3, statusCodes[s.Status().Code])
	return m.bytes(15, status).fixed32(16, flags(c, parent.IsRemote()))
}

func flags(c trace.SpanContext, remote bool) uint32 {
	f := uint32(c.TraceFlags()) | parentKnown
	if remote {
		f |= parentRemote
	}
	return f
}

// statusCodes are the codes of a status: in the API errors come before what is well.
var statusCodes = map[codes.Code]uint64{codes.Unset: 0, codes.Ok: 1, codes.Error: 2}

func (m message) attributes(field int, all []attribute.KeyValue) message {
	for _, a := range all {
		var pair message
		m = m.message(field, pair.text(1, string(a.Key)).message(2, encodeValue(a.Value)))
	}
	return m
}

// encodeValue is an AnyValue, which unlike other messages has what is 0 or empty.
func encodeValue(v attribute.Value) (m message) {
	switch v.Type() {
	case attribute.BOOL:
		return boolean(v.AsBool())
	case attribute.INT64:
		return integer(v.AsInt64())
	case attribute.FLOAT64:
		return float(v.AsFloat64())
	case attribute.STRING:
		return text(v.AsString())
	case attribute.BOOLSLICE:
		return array(v.AsBoolSlice(), boolean)
	case attribute.INT64SLICE:
		return array(v.AsInt64Slice(), integer)
	case attribute.FLOAT64SLICE:
		return array(v.AsFloat64Slice(), float)
	case attribute.STRINGSLICE:
		return array(v.AsStringSlice(), text)
	case attribute.EMPTY:
		return m
	}
	return text(v.String())
}

func text(s string) (m message) { return m.message(1, []byte(s)) }

func boolean(b bool) (m message) {
	v := uint64(0)
	if b {
		v = 1
	}
	return binary.AppendUvarint(m.tag(2, varint), v)
}

func integer(n int64) (m message) { return binary.AppendUvarint(m.tag(3, varint), uint64(n)) }

func float(f float64) (m message) {
	return binary.LittleEndian.AppendUint64(m.tag(4, fixed64), math.Float64bits(f))
}

func array[T any](list []T, encode func(T) message) (m message) {
	var values message
	for _, e := range list {
		values = values.message(1, encode(e))
	}
	return m.message(5, values)
}
