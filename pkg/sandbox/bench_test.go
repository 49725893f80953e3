package sandbox

import (
	"testing"
	"time"
)

// BenchmarkStart measures what a sandbox costs: Start up to Ready (with the stand-in runner, whose own start is in it), and
// the whole life of one.
func BenchmarkStart(b *testing.B) {
	box := newBox(b, "exit 0")
	var start time.Duration
	for b.Loop() {
		began := time.Now()
		p, err := Start(b.Context(), box.Config)
		if err != nil {
			b.Fatal(err)
		}
		start += time.Since(began)
		if err := p.Begin(b.Context()); err != nil {
			b.Fatal(err)
		}
		if exit := p.Wait(); exit.Status != 0 {
			b.Fatal(exit)
		}
		destroy(b, p)
	}
	b.ReportMetric(float64(start.Microseconds())/float64(b.N)/1000, "start-ms/op")
}
