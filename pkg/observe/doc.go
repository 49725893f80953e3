// Package observe tells what a shim does to those who want to know: spans of the calls it gets, figures about them, lines of its log.
// For those who do not want to know it is a nil *Observer, which does nothing and costs nothing.
//
//	containerd ──call, traceparent──▶ interceptor ──▶ the service ──▶ Start, Compiled … by the context
//	                                      │
//	                                      ├─ spans ──▶ a batch ──▶ `wasmgo spans`, a process for each batch ──OTLP──▶ collector
//	                                      ├─ figures ─▶ a socket per shim ◀── `metrics`, which adds them up ◀── Prometheus
//	                                      └─ a line of the log, at level debug
//
// A shim links neither OpenTelemetry's SDK nor net/http: every shim of every host would have them in memory for the few that are watched.
// Spans are kept as they are and handed as JSON to the program of the commands, which has both and lives for one batch; the figures' socket
// understands as much of HTTP as a client needs that gets one page. RATIONALE.md has the measurements.
package observe
