package wasi

import (
	_ "embed"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
)

// The driver exports every function of WASI it imports; see testdata/README.md.
//
//go:embed testdata/driver.component.wasm
var driver []byte

// compiled is the driver, compiled once for all tests. It lives as long as they do.
var compiled = sync.OnceValues(func() (program *component.Program, err error) {
	engine = wasmtime.NewEngine()
	return component.Load(driver, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine, module) })
})

var engine *wasmtime.Engine

// A guest is an instance of the driver.
type guest struct {
	host    *Host
	exports *component.Instance
}

func newGuest(t testing.TB, c Config) *guest {
	t.Helper()
	program, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	host, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	store := corewasm.NewStore(engine)
	t.Cleanup(func() {
		store.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	i, err := program.Instantiate(store, host.Interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	return &guest{host, i.Instance("wasmgo:test/driver")}
}

// try calls a function of WASI in the guest.
func (g *guest) try(name string, args ...abi.Value) (abi.Value, error) {
	f := g.exports.Func(name)
	if f == nil {
		return nil, errors.New("the driver has no " + name)
	}
	results, err := f.Call(args...)
	if len(results) == 0 {
		return nil, err
	}
	return results[0], err
}

// plain is a value with Go's strings in it, which can be compared.
func plain(v abi.Value) abi.Value {
	each := func(vs []abi.Value) []abi.Value {
		out := make([]abi.Value, len(vs))
		for i, v := range vs {
			out[i] = plain(v)
		}
		return out
	}
	switch v := v.(type) {
	case abi.String:
		return v.String()
	case abi.Variant:
		v.Payload = plain(v.Payload)
		return v
	case abi.Record:
		return each(v)
	case abi.List:
		return each(v)
	}
	return v
}

// call is try where no trap is wanted.
func (g *guest) call(t testing.TB, name string, args ...abi.Value) abi.Value {
	t.Helper()
	v, err := g.try(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// handle is call of a function that returns a handle.
func (g *guest) handle(t testing.TB, name string, args ...abi.Value) uint32 {
	t.Helper()
	return g.call(t, name, args...).(uint32)
}

// trap checks that a call is the end of the guest, because it has misused WASI.
func (g *guest) trap(t testing.TB, want, name string, args ...abi.Value) {
	t.Helper()
	_, err := g.try(name, args...)
	var misuse wasiio.Misuse
	if !errors.As(err, &misuse) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want misuse: %q", name, err, want)
	}
}

// Values of WIT as the component model has them at run time.
func text(s string) abi.Value       { return abi.NewString(s) }
func octets(s string) abi.Value     { return abi.Bytes(s) }
func ok(v abi.Value) abi.Value      { return abi.Variant{Case: 0, Payload: v} }
func failed(v abi.Value) abi.Value  { return abi.Variant{Case: 1, Payload: v} }
func some(v abi.Value) abi.Value    { return abi.Variant{Case: 1, Payload: v} }
func none() abi.Value               { return abi.Variant{Case: 0} }
func done() abi.Value               { return ok(nil) }
func streamClosed() abi.Value       { return failed(abi.Variant{Case: 1}) }
func lastFailed(h uint32) abi.Value { return failed(abi.Variant{Case: 0, Payload: h}) }

func list(n ...uint32) abi.List {
	l := abi.List{}
	for _, v := range n {
		l = append(l, v)
	}
	return l
}

// pipe is a pipe with text in it, which the test closes.
func pipe(t testing.TB, in string) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	if _, err := w.WriteString(in); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// openFiles counts the descriptors of the process.
func openFiles(t testing.TB) int {
	t.Helper()
	n := 0
	for fd := range 1024 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			n++
		}
	}
	return n
}

// source is a file as a standard input.
func source(t testing.TB, f *os.File) *cli.Source {
	t.Helper()
	s, err := cli.NewSource(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sink is a file as a standard output.
func sink(t testing.TB, f *os.File) *cli.Sink {
	t.Helper()
	s, err := cli.NewSink(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
