package observe

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/status"
)

// Config is what an observer is made of.
type Config struct {
	// Namespace is containerd's, and ID the container or pod that the shim was started for.
	Namespace, ID string
	// Environ is the environment, whose variables OTEL_* say whether spans are wanted.
	Environ []string
	// Exporter is the program that spans are handed to, as its job "spans".
	Exporter string
	// Metrics is the directory for the socket of figures, "" for none.
	Metrics string
	// Containers counts the shim's containers.
	Containers func() int
}

// Observer watches the calls of a shim. A nil one watches nothing.
type Observer struct {
	figures *figures // nil if nobody wants them
	traces  *traces  // nil if nobody wants them
}

// New returns the observer that c asks for, nil if that is nothing at all. What cannot be observed is an error beside an observer of the
// rest: nobody's container fails for it.
func New(c Config) (*Observer, error) {
	var o Observer
	var errs []error
	if wanted(c.Environ) {
		o.traces = newTraces(c)
	}
	if c.Metrics != "" {
		f, err := newFigures(c)
		o.figures = f
		errs = append(errs, err)
	}
	if o.traces == nil && o.figures == nil && !log.L.Logger.IsLevelEnabled(log.DebugLevel) {
		return nil, errors.Join(errs...)
	}
	return &o, errors.Join(errs...)
}

// Close hands on what is there still, and takes the socket away.
func (o *Observer) Close() error {
	if o == nil {
		return nil
	}
	var errs []error
	if o.traces != nil {
		errs = append(errs, o.traces.close())
	}
	if o.figures != nil {
		errs = append(errs, o.figures.close())
	}
	return errors.Join(errs...)
}

// scope is what a context has.
type scope struct {
	observer *Observer
	span     *Span // the innermost one; nil without traces
}

type scopeKey struct{}

func scopeOf(ctx context.Context) (s scope) {
	s, _ = ctx.Value(scopeKey{}).(scope)
	return s
}

// identified are requests about a container, and about a process in it.
type (
	identified interface{ GetID() string }
	sandboxed  interface{ GetSandboxID() string }
	executed   interface{ GetExecID() string }
)

// Intercept watches one call. It is a ttrpc.UnaryServerInterceptor, and also one when o is nil.
func (o *Observer) Intercept(ctx context.Context, unmarshal ttrpc.Unmarshaler, info *ttrpc.UnaryServerInfo, method ttrpc.Method) (any, error) {
	if o == nil {
		return method(ctx, unmarshal)
	}
	begin := time.Now()
	s := scope{observer: o}
	if o.traces != nil {
		s.span = o.traces.begin(ctx, strings.TrimPrefix(info.FullMethod, "/"), kindServer)
	}
	service, verb, _ := strings.Cut(strings.TrimPrefix(info.FullMethod, "/"), "/")
	var id, exec string
	answer, err := method(context.WithValue(ctx, scopeKey{}, s), func(request any) error {
		err := unmarshal(request)
		switch r := request.(type) {
		case identified:
			id = r.GetID()
		case sandboxed:
			id = r.GetSandboxID()
		}
		if r, ok := request.(executed); ok {
			exec = r.GetExecID()
		}
		return err
	})
	took, code := time.Since(begin), status.Code(err).String()
	if s.span != nil {
		s.span.Set("rpc.system", "ttrpc")
		s.span.Set("rpc.service", service)
		s.span.Set("rpc.method", verb)
		s.span.Set("rpc.status", code)
		s.span.Set("container.id", id)
		s.span.Set("container.exec.id", exec)
		s.span.end(status.Convert(err).Message())
	}
	if o.figures != nil {
		o.figures.call(verb, code, took)
	}
	if log.L.Logger.IsLevelEnabled(log.DebugLevel) {
		line := log.L.WithField("id", id).WithField("method", verb).WithField("took", took.Round(time.Microsecond).String())
		if exec != "" {
			line = line.WithField("exec", exec)
		}
		if err != nil {
			line = line.WithField("code", code).WithField("error", status.Convert(err).Message())
		}
		line.Debug("call")
	}
	return answer, err
}

// Compiled notes that a module had to be compiled for the call behind ctx, or found compiled. Took is the time that went by for the
// former, 0 for the latter.
func Compiled(ctx context.Context, took time.Duration) {
	s := scopeOf(ctx)
	if s.span != nil {
		cached := "true"
		if took > 0 {
			cached = "false"
		}
		s.span.Set("wasmgo.cached", cached)
		if took > 0 {
			s.span.Set("wasmgo.compile.ms", strconv.FormatInt(took.Milliseconds(), 10))
		}
	}
	if s.observer != nil && s.observer.figures != nil {
		s.observer.figures.compiled(took)
	}
}
