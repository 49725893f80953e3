package component

import (
	"bytes"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/spectest"
)

// TestDamagedComponents damages the reference components outside of their core modules, at every few bytes, and runs what is still
// valid. The engine believes whatever type this package says a function has, so what validation lets through must be right: a
// mistake would end the process here.
func TestDamagedComponents(t *testing.T) {
	engine := newEngine(t)
	cache := map[string]*wasmtime.Module{}
	compile := func(module []byte) (*wasmtime.Module, error) {
		m := cache[string(module)]
		if m == nil {
			var err error
			if m, err = wasmtime.NewModule(engine, module); err != nil {
				clear(cache) // Load closes what the component had so far
				return nil, err
			}
			cache[string(module)] = m
			t.Cleanup(m.Close)
		}
		return m, nil
	}
	ran, refused, position := 0, 0, 0
	for _, s := range spectest.Scripts(t) {
		for _, c := range s.Commands {
			if c.Type != "module" && c.Type != "module_definition" {
				continue
			}
			component, err := binary.Decode(c.Binary)
			if err != nil {
				t.Fatal(err)
			}
			code := coreCode(component, make([]bool, len(c.Binary)))
			damaged := bytes.Clone(c.Binary)
			for i := range damaged {
				if position++; code[i] || position%stride != 0 {
					continue
				}
				for _, flip := range []byte{0x01, 0x03, 0x10} {
					damaged[i] = c.Binary[i] ^ flip
					if run(engine, damaged, compile) {
						ran++
					} else {
						refused++
					}
				}
				damaged[i] = c.Binary[i]
			}
		}
	}
	t.Logf("%d damaged components ran, %d were refused", ran, refused)
	if ran < 1000 {
		t.Errorf("only %d damaged components ran", ran)
	}
}

// stride is chosen so that the test takes a second or two.
const stride = 17

// coreCode marks the bytes of core modules.
func coreCode(c *binary.Component, marks []bool) []bool {
	for _, d := range c.Definitions {
		switch d := d.(type) {
		case *binary.CoreModule:
			for i := range d.Bytes {
				marks[d.Offset()+i] = true
			}
		case *binary.Component:
			coreCode(d, marks)
		}
	}
	return marks
}

// run loads and instantiates a component and calls what takes no arguments. It reports whether it came to calls.
func run(engine *wasmtime.Engine, file []byte, compile func([]byte) (*wasmtime.Module, error)) bool {
	p, err := Load(file, compile)
	if err != nil {
		return false
	}
	// The program is not closed: its modules are in the cache.
	store := corewasm.NewStore(engine)
	defer store.Close()
	i, err := p.Instantiate(store)
	if err != nil {
		return false
	}
	callAll(i, 0)
	return true
}

func callAll(i *Instance, depth int) {
	for _, x := range i.exports {
		switch x := x.(type) {
		case *Instance:
			if depth < 3 {
				callAll(x, depth+1)
			}
		case *Func:
			if len(x.Type.Params) == 0 {
				_, _ = x.Call() // a result, a trap or an error, all of them are fine
			}
		}
	}
}
