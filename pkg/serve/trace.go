package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"wasmgo/pkg/otlp"
	"wasmgo/pkg/runner"
)

// A tracer makes spans of requests and sends them to a collector. A nil one does nothing, and costs nothing.
type tracer struct {
	trace.Tracer
	provider   *sdktrace.TracerProvider
	propagator propagation.TextMapPropagator
}

// scope is the name of what makes the spans.
const scope = "wasmgo/pkg/serve"

// flushTime bounds sending the last spans when the server ends. It comes after the last request, and out of the time that whoever stops
// the container gives it, which is 10 seconds with docker stop and 30 in Kubernetes.
const flushTime = 3 * time.Second

// longestValue bounds the value of an attribute, in characters, where OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT does not: paths and names of clients may
// have as much as a header, and 2,048 spans wait for a collector that is slow.
const longestValue = 2 << 10

// openTracer makes a tracer if the container's variables want one. What is wrong with them, and later that spans are lost, is told and keeps
// no request: they may be meant for the guest.
func openTracer(s runner.Service) *tracer {
	lookup := otlp.Lookup(variable(s.Env))
	wanted, err := lookup.Wanted()
	if err == nil && wanted {
		var t *tracer
		if t, err = newTracer(s, lookup); err == nil {
			return t
		}
	}
	if err != nil {
		s.Complain(fmt.Sprintf("%s is served without traces: %v", s.Name, err))
	}
	return nil
}

// variable finds a variable of the container.
func variable(env []string) func(name string) string {
	return func(name string) string {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func newTracer(s runner.Service, lookup otlp.Lookup) (*tracer, error) {
	propagator, err := propagators(lookup("OTEL_PROPAGATORS"))
	if err != nil {
		return nil, err
	}
	c := newClient(s.Extension)
	exporter, err := otlp.New(otlp.Config{Lookup: lookup, Dial: c.Dial, Trust: c.Trust, Complain: s.Complain})
	if err != nil {
		return nil, err
	}
	if err := adopt(s.Env); err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(path.Base(s.Name), ".wasm")
	about, err := resource.New(context.Background(),
		resource.WithAttributes(semconv.ServiceName(name)), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = longestValue
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about), sdktrace.WithRawSpanLimits(limits))
	return &tracer{Tracer: provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), provider: provider, propagator: propagator}, nil
}

// adopt makes the container's variables for OpenTelemetry this process's, whence the SDK reads those of sampling, batches, limits and the
// resource. The process is of one container, and has hardly a variable otherwise.
func adopt(env []string) error {
	var errs []error
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, "OTEL_") {
			errs = append(errs, os.Setenv(name, value))
		}
	}
	return errors.Join(errs...)
}

// propagators are those that OTEL_PROPAGATORS names: tracecontext and baggage if it is empty.
func propagators(names string) (propagation.TextMapPropagator, error) {
	if names == "" {
		names = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for name := range strings.SplitSeq(names, ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none":
		default:
			return nil, fmt.Errorf("OTEL_PROPAGATORS=%s: %s is not supported; tracecontext, baggage and none are", names, strings.TrimSpace(name))
		}
	}
	return propagation.NewCompositeTextMapPropagator(slices.Clip(all)...), nil
}

// close sends the spans that are left, as far as time allows. That some are lost the exporter tells.
func (t *tracer) close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx)
}
