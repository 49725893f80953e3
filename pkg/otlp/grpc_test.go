package otlp

import (
	"context"
	"net"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // which servers know that import it
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
)

// service is a collector of the library's.
type service struct {
	collector.UnimplementedTraceServiceServer
	got   []*collector.ExportTraceServiceRequest
	keys  []string
	fails int // so often it is not there
}

func (s *service) Export(ctx context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	if s.fails > 0 {
		s.fails--
		return nil, grpcstatus.Error(codes.Unavailable, "come again")
	}
	m, _ := metadata.FromIncomingContext(ctx)
	s.got, s.keys = append(s.got, r), m.Get("api-key")
	if _, ok := ctx.Deadline(); !ok {
		return nil, grpcstatus.Error(codes.InvalidArgument, "no deadline")
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// TestRealGRPC: the library of gRPC takes what is sent here for its own.
func TestRealGRPC(t *testing.T) {
	for name, compression := range map[string]string{"plain": "none", "packed": "gzip"} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s, server := &service{fails: 1}, grpc.NewServer()
			collector.RegisterTraceServiceServer(server, s)
			done := make(chan error, 1)
			go func() { done <- server.Serve(l) }()
			e, err := New(Config{
				Lookup: environment("OTEL_EXPORTER_OTLP_ENDPOINT", l.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_INSECURE", "true",
					"OTEL_EXPORTER_OTLP_HEADERS", "api-key=k", "OTEL_EXPORTER_OTLP_COMPRESSION", compression),
				Complain: func(m string) { t.Error(m) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.ExportSpans(t.Context(), spans(t)); err != nil {
				t.Fatal(err)
			}
			if err := e.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			server.Stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if len(s.got) != 1 || len(s.got[0].GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()) != 2 || len(s.keys) != 1 || s.keys[0] != "k" {
				t.Errorf("it has got %v with the keys %q", s.got, s.keys)
			}
		})
	}
}
