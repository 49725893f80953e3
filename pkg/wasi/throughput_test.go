package wasi

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
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

// TestHotPathsDoNotAllocate: writes and reads of streams, from a component.
func TestHotPathsDoNotAllocate(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	zeroes, err := os.OpenFile("/dev/zero", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer zeroes.Close()
	const times = 1000
	g := newGuest(t, Config{Config: cli.Config{Stdin: &first{Source: source(t, zeroes)}, Stdout: sink(t, null)}})
	stdin, stdout := g.handle(t, "get-stdin"), g.handle(t, "get-stdout")
	if n := testing.AllocsPerRun(5, func() { g.call(t, "pump", stdout, uint32(piece), uint32(times)) }); n > times/10 {
		t.Errorf("%v allocations for %d writes", n, times)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if n := g.call(t, "drain", stdin, uint64(piece)); n != uint64(piece*times) {
		t.Errorf("%v bytes were read", n)
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > times/10 {
		t.Errorf("%v allocations for %d reads", n, times)
	}
}

// first is the first so many pieces of a source without an end.
type first struct {
	*cli.Source
	read int
}

func (f *first) Read(b []byte) (int, error) {
	if f.read++; f.read > 1000 {
		return 0, io.EOF
	}
	return f.Source.Read(b)
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
