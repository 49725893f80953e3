package wasi

import (
	_ "embed"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
)

// Each imports every function and type of every interface that the world wasi:cli/imports has in a version of WASI, the unstable ones
// too: the first version and the last. Of those in between none has what these have not; see testdata/README.md.
var (
	//go:embed testdata/everything-0.2.0.component.wasm
	everythingFirst []byte
	//go:embed testdata/everything-0.2.12.component.wasm
	everythingLast []byte
)

// load compiles a component with the engine of all tests.
func load(t testing.TB, file []byte) *component.Program {
	t.Helper()
	if _, err := compiled(); err != nil {
		t.Fatal(err)
	}
	p, err := component.Load(file, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine, module) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// TestEverythingIsThere: nothing of WASI 0.2 is missing, and all of it has the right types.
func TestEverythingIsThere(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
	}{{"0.2.0", everythingFirst}, {"0.2.12", everythingLast}} {
		t.Run(tt.name, func(t *testing.T) {
			p := load(t, tt.file)
			host, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer host.Close()
			if err := p.Check(host.Interfaces()...); err != nil {
				t.Error(err)
			}
			store := corewasm.NewStore(engine)
			defer store.Close()
			if _, err := p.Instantiate(store, host.Interfaces()...); err != nil {
				t.Error(err)
			}
		})
	}
}
