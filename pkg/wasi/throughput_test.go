package wasi

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"wasmgo/pkg/wasi/cli"
)

const piece = 64 << 10

// BenchmarkStreamWrite writes 64 KiB at a time to standard output from a component.
func BenchmarkStreamWrite(b *testing.B) {
	b.Run("to /dev/null", func(b *testing.B) {
		f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		pump(b, f)
	})
	b.Run("to a pipe", func(b *testing.B) {
		r, w := pipe(b, "")
		drained := make(chan error)
		go func() {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, piece))
			drained <- err
		}()
		pump(b, w)
		w.Close()
		if err := <-drained; err != nil {
			b.Fatal(err)
		}
	})
}

func pump(b *testing.B, to *os.File) {
	b.Helper()
	g := newGuest(b, Config{Config: cli.Config{Stdout: sink(b, to)}})
	stdout := g.handle(b, "get-stdout")
	b.SetBytes(piece)
	b.ReportAllocs()
	b.ResetTimer()
	g.call(b, "pump", stdout, uint32(piece), uint32(b.N))
	b.StopTimer()
}

// BenchmarkStreamRead reads 64 KiB at a time from standard input in a component.
func BenchmarkStreamRead(b *testing.B) {
	name := filepath.Join(b.TempDir(), "zeroes")
	if err := os.WriteFile(name, make([]byte, 64<<20), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	g := newGuest(b, Config{Config: cli.Config{Stdin: source(b, f)}})
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		stdin := g.handle(b, "get-stdin")
		if n := g.call(b, "drain", stdin, uint64(piece)); n != uint64(64<<20) {
			b.Fatalf("%v bytes were read", n)
		}
		g.call(b, "input-stream-drop", stdin)
	}
}

// BenchmarkNew is what a host costs that no guest uses.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h, err := New(Config{})
		if err != nil {
			b.Fatal(err)
		}
		if len(h.Interfaces()) == 0 {
			b.Fatal("no interfaces")
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
