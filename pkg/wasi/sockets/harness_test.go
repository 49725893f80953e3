package sockets_test

import (
	_ "embed"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// The driver exports every function of wasi:sockets; see testdata/README.md.
//
//go:embed testdata/driver.component.wasm
var driver []byte

var engine = sync.OnceValue(wasmtime.NewEngine)

// compiled is the driver, compiled once for all tests. It lives as long as they do.
var compiled = sync.OnceValues(func() (*component.Program, error) { return load(driver) })

func load(file []byte) (*component.Program, error) {
	return component.Load(file, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine(), module) })
}

// A guest is an instance of the driver, and its network.
type guest struct {
	host    *wasi.Host
	exports *component.Instance
	network uint32
}

// newGuest makes a guest, and checks that nothing is left of it in the end.
func newGuest(t testing.TB, deny inet.Policy) *guest {
	t.Helper()
	program, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	before := sockets(t)
	host, err := wasi.New(wasi.Config{Network: deny})
	if err != nil {
		t.Fatal(err)
	}
	store := corewasm.NewStore(engine())
	t.Cleanup(func() {
		store.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
		if left := sockets(t); left > before {
			t.Errorf("%d sockets are left", left-before)
		}
	})
	i, err := program.Instantiate(store, host.Interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{host: host, exports: i.Instance("wasmgo:test/driver")}
	g.network = g.call(t, "instance-network").(uint32)
	return g
}

// sockets counts the process's.
func sockets(t testing.TB) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// call calls a function of WASI in the guest.
func (g *guest) call(t testing.TB, name string, args ...abi.Value) abi.Value {
	t.Helper()
	v, err := g.try(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

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

// ok is what a function returns whose result must not be an error.
func (g *guest) ok(t testing.TB, name string, args ...abi.Value) abi.Value {
	t.Helper()
	v := g.call(t, name, args...).(abi.Variant)
	if v.Case != 0 {
		t.Fatalf("%s: error %s", name, labelOf(v.Payload))
	}
	return v.Payload
}

// fails checks that the result of a function is an error code.
func (g *guest) fails(t testing.TB, want, name string, args ...abi.Value) {
	t.Helper()
	v := g.call(t, name, args...).(abi.Variant)
	if v.Case != 1 || labelOf(v.Payload) != want {
		t.Errorf("%s: %v, want %s", name, v, want)
	}
}

// traps checks that a call is the end of the guest, because it has misused WASI.
func (g *guest) traps(t testing.TB, want, name string, args ...abi.Value) {
	t.Helper()
	_, err := g.try(name, args...)
	var misuse wasiio.Misuse
	if !errors.As(err, &misuse) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want misuse: %q", name, err, want)
	}
}

func labelOf(v abi.Value) string {
	if e, is := v.(abi.Variant); is && int(e.Case) < len(inet.Labels) {
		return inet.Labels[e.Case]
	}
	return "that is none"
}

// block waits for a pollable of a resource.
func (g *guest) block(t testing.TB, resource string, self uint32) {
	t.Helper()
	p := g.call(t, resource+"-subscribe", self).(uint32)
	g.call(t, "pollable-block", p)
	g.call(t, "pollable-drop", p)
}

// Values of WIT as the component model has them at run time.
func text(s string) abi.Value    { return abi.NewString(s) }
func enum(i uint32) abi.Value    { return abi.Variant{Case: i} }
func some(v abi.Value) abi.Value { return abi.Variant{Case: 1, Payload: v} }
func none() abi.Value            { return abi.Variant{Case: 0} }

// at is an ip-socket-address.
func at(s string) abi.Value {
	a := netip.MustParseAddrPort(s)
	if a.Addr().Is4() {
		return abi.Variant{Case: 0, Payload: abi.Record{a.Port(), ip(a.Addr())}}
	}
	return abi.Variant{Case: 1, Payload: abi.Record{a.Port(), uint32(0), ip(a.Addr()), uint32(0)}}
}

// ip is an ipv4-address or ipv6-address.
func ip(a netip.Addr) abi.Record {
	var r abi.Record
	if a.Is4() {
		for _, b := range a.As4() {
			r = append(r, b)
		}
		return r
	}
	b := a.As16()
	for i := 0; i < len(b); i += 2 {
		r = append(r, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return r
}

// address reads an ip-socket-address.
func address(t testing.TB, v abi.Value) netip.AddrPort {
	t.Helper()
	a := v.(abi.Variant)
	r := a.Payload.(abi.Record)
	if a.Case == 0 {
		return netip.AddrPortFrom(parseIP(r[1].(abi.Record)), r[0].(uint16))
	}
	return netip.AddrPortFrom(parseIP(r[2].(abi.Record)), r[0].(uint16))
}

func parseIP(r abi.Record) netip.Addr {
	if len(r) == 4 {
		return netip.AddrFrom4([4]byte{r[0].(uint8), r[1].(uint8), r[2].(uint8), r[3].(uint8)})
	}
	var b [16]byte
	for i, g := range r {
		b[2*i], b[2*i+1] = byte(g.(uint16)>>8), byte(g.(uint16))
	}
	return netip.AddrFrom16(b)
}
