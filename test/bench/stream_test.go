package bench

import (
	_ "embed"
	"errors"
	"io"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/direct"
)

const (
	streamTimes = 7
	streamBytes = 16384 * 65536 // what the guest writes
)

// streamWriter is compiled from text by the runner.
//
//go:embed testdata/stream_write.wat
var streamWriter []byte

// streamWrite is how fast a component writes to its standard output, a pipe that this process reads: 1 GiB by 64 KiB, from the first byte
// to the last.
func streamWrite(t *testing.T, _ *setting) {
	runner, dir := daemon.Runner(t), t.TempDir()
	if err := direct.Compile(runner, streamWriter, dir); err != nil {
		t.Fatal(err)
	}
	var samples []float64
	for range streamTimes {
		samples = append(samples, streamRate(t, runner, dir))
	}
	record("stream_write_gb_s", "GB/s", median(samples), samples)
}

func streamRate(t *testing.T, runner, dir string) float64 {
	t.Helper()
	p, err := direct.Start(runner, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Begin(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<17)
	var begun time.Time
	read := 0
	for {
		n, err := p.Stdout.Read(b)
		if read == 0 {
			begun = time.Now()
		}
		read += n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begun)
	if err := p.Wait(); err != nil || read != streamBytes {
		t.Fatalf("the guest wrote %d bytes, want %d: %v", read, streamBytes, err)
	}
	return float64(read) / 1e9 / took.Seconds()
}
