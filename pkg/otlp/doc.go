// Package otlp sends spans to an OpenTelemetry collector: OTLP over HTTP, and over gRPC, as the variables OTEL_EXPORTER_OTLP_* say. Both
// halves use it.
//
// The SDK's own exporter would do the same, and brings the libraries of gRPC, its gateway and protocol buffers with it: 8.5 MB and 2 ms of
// each start, for one message that is written here field by field. Tests hold it to the real messages.
//
//	spans ─▶ ExportTraceServiceRequest ─┬─ POST …/v1/traces                          protocol http/protobuf
//	         (encode.go)                └─ POST …TraceService/Export, over HTTP/2    protocol grpc
//
// Specified at https://opentelemetry.io/docs/specs/otlp/ and https://opentelemetry.io/docs/specs/otel/protocol/exporter/; gRPC over HTTP/2 at
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
package otlp
