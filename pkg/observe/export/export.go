// Package export sends the spans of a shim to a collector. It is the job "spans" of the program wasmgo, which a shim starts for each
// batch: `wasmgo spans NAMESPACE ID`, with the batch, a JSON list of observe.Record, on stdin, and the variables OTEL_* of containerd in its environment.
// What goes wrong is a line on stderr, which is the shim's log.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"wasmgo/pkg/observe"
	"wasmgo/pkg/otlp"
)

// longestBatch bounds stdin, in bytes. A shim keeps 2048 spans.
const longestBatch = 64 << 20

// serviceName is the shim's name, whatever OTEL_SERVICE_NAME says: containerd sets that in its own environment, to its own name, and the
// shim has it from there.
const serviceName = "containerd-shim-wasmgo-v1"

// Main sends the spans on stdin, and returns the exit code.
func Main(ctx context.Context, args []string) int {
	if err := run(ctx, args, os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", serviceName, err)
		return 1
	}
	return 0
}

var errUsage = errors.New("spans is for the shim to call: spans NAMESPACE ID")

func run(ctx context.Context, args []string, stdin io.Reader) error {
	if len(args) != 2 {
		return errUsage
	}
	var records []observe.Record
	if err := json.NewDecoder(io.LimitReader(stdin, longestBatch)).Decode(&records); err != nil {
		return fmt.Errorf("spans: %w", err)
	}
	lookup := otlp.Lookup(os.Getenv)
	if wanted, err := lookup.Wanted(); err != nil || !wanted {
		return err
	}
	var complaint error
	exporter, err := otlp.New(otlp.Config{Lookup: lookup, Complain: func(text string) { complaint = errors.New(text) }})
	if err != nil {
		return err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv(), // the last one wins
		resource.WithAttributes(attribute.String("service.name", serviceName), attribute.String("containerd.namespace", args[0]), attribute.String("service.instance.id", args[1])))
	if err != nil && about == nil {
		return fmt.Errorf("spans: %w", err)
	}
	spans, err := convert(records, about)
	if err != nil {
		return err
	}
	return errors.Join(exporter.ExportSpans(ctx, spans), exporter.Shutdown(ctx), complaint)
}

// convert makes records the SDK's spans. The SDK makes those of other processes only as stubs.
func convert(records []observe.Record, about *resource.Resource) ([]sdktrace.ReadOnlySpan, error) {
	stubs := make(tracetest.SpanStubs, 0, len(records))
	for _, r := range records {
		own, err := spanContext(r.TraceID, r.SpanID, r.State, false)
		if err != nil {
			return nil, fmt.Errorf("span %s: %w", r.Name, err)
		}
		stub := tracetest.SpanStub{
			Name: r.Name, SpanContext: own, SpanKind: trace.SpanKindInternal, StartTime: r.Begin, EndTime: r.End, Resource: about,
			InstrumentationScope: instrumentation.Scope{Name: "wasmgo/pkg/observe"},
		}
		if r.Server {
			stub.SpanKind = trace.SpanKindServer
		}
		if r.Parent != "" {
			if stub.Parent, err = spanContext(r.TraceID, r.Parent, r.State, r.Remote); err != nil {
				return nil, fmt.Errorf("span %s: %w", r.Name, err)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(r.Attributes)) {
			stub.Attributes = append(stub.Attributes, attribute.String(key, r.Attributes[key]))
		}
		if r.Error != "" {
			stub.Status = sdktrace.Status{Code: codes.Error, Description: r.Error}
		}
		stubs = append(stubs, stub)
	}
	return stubs.Snapshots(), nil
}

func spanContext(traceID, spanID, state string, remote bool) (trace.SpanContext, error) {
	id, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		return trace.SpanContext{}, err
	}
	span, err := trace.SpanIDFromHex(spanID)
	if err != nil {
		return trace.SpanContext{}, err
	}
	s, err := trace.ParseTraceState(state)
	if err != nil {
		s = trace.TraceState{} // the caller's mistake, and no reason to lose the span
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled, TraceState: s, Remote: remote}), nil
}
