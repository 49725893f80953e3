package runner

import (
	"encoding/binary"
	"os"
	"testing"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/handover"
	"wasmgo/test/guests"
)

// withData is a module of which the data section takes so many bytes.
func withData(size int) []byte {
	m := append([]byte(nil), core.Preamble...)
	m = binary.AppendUvarint(append(m, 11), uint64(size))
	return append(m, make([]byte, size)...)
}

func TestNeeds(t *testing.T) {
	const server = handover.NeedsHTTP | handover.NeedsServer
	for _, c := range []struct {
		name, guest string
		data        []int // of the core modules, in bytes
		want        handover.Needs
	}{
		{"a command", "rust_tool", []int{10}, 0},
		{"a command that asks over HTTP", "http_get", []int{10}, handover.NeedsHTTP | handover.NeedsClient},
		{"a server with little data", "http_hello", []int{10, mostCopied - 10}, server | handover.NeedsSlots},
		{"a server with much data, in two modules", "http_hello", []int{10, mostCopied}, server},
	} {
		file, err := os.ReadFile(guests.Component(t, c.guest))
		if err != nil {
			t.Fatal(err)
		}
		p, err := component.Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		var modules [][]byte
		for _, size := range c.data {
			modules = append(modules, withData(size))
		}
		if n := needs(p, modules); n != c.want {
			t.Errorf("%s: needs %b, want %b", c.name, n, c.want)
		}
	}
}
