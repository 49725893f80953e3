package component

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/spectest"
)

// refused are the commands that this package does not pass, with the reason.
var refused = map[string]string{
	"values/variants:186": "calls a function that is lifted and lowered async",
}

// newEngine is Wasmtime with what the reference tests use of core WebAssembly.
func newEngine(t testing.TB) *wasmtime.Engine {
	t.Helper()
	c := wasmtime.NewConfig()
	c.SetWasmMultiMemory(true)
	corewasm.EnableExceptions(c)
	e := wasmtime.NewEngineWithConfig(c)
	t.Cleanup(e.Close)
	return e
}

// A script runs the commands of one reference test.
type script struct {
	t        *testing.T
	engine   *wasmtime.Engine
	programs map[string]*Program
	current  *Instance
}

func (s *script) compile(module []byte) (*wasmtime.Module, error) {
	return wasmtime.NewModule(s.engine, module)
}

func (s *script) load(file []byte) (*Program, error) {
	p, err := Load(file, s.compile)
	if err == nil {
		s.t.Cleanup(p.Close)
	}
	return p, err
}

// instantiate makes an instance in a store of its own.
func (s *script) instantiate(p *Program) error {
	store := corewasm.NewStore(s.engine)
	s.t.Cleanup(store.Close)
	var err error
	s.current, err = p.Instantiate(store)
	return err
}

// run carries out one command and returns what is wrong with its outcome.
func (s *script) run(c spectest.Command) error {
	switch c.Type {
	case "module", "module_definition":
		p, err := s.load(c.Binary)
		if err != nil {
			return err
		}
		s.programs[c.Name] = p
		if c.Type == "module" {
			return s.instantiate(p)
		}
		return nil
	case "module_instance":
		p := s.programs[c.Module]
		if p == nil {
			return fmt.Errorf("no component %q", c.Module)
		}
		return s.instantiate(p)
	case "assert_malformed", "assert_invalid":
		if c.ModuleType == "text" {
			return nil // refused by the assembler already
		}
		if _, err := s.load(c.Binary); err == nil {
			return errors.New("accepted")
		}
		return nil
	case "assert_return":
		got, err := s.invoke(c.Action)
		if err != nil {
			return err
		}
		return compare(got, c.Expected, s.current.Func(c.Action.Field).Type.ResultTypes())
	case "assert_trap":
		got, err := s.invoke(c.Action)
		var mine *abi.Trap
		var theirs *corewasm.Trap
		if !errors.As(err, &mine) && !errors.As(err, &theirs) {
			return fmt.Errorf("returned %v, error %w, want a trap", got, err)
		}
		return nil
	}
	return fmt.Errorf("unknown command %q", c.Type)
}

func (s *script) invoke(a *spectest.Action) ([]abi.Value, error) {
	if a.Module != "" || s.current == nil {
		return nil, fmt.Errorf("no instance %q", a.Module)
	}
	f := s.current.Func(a.Field)
	if f == nil {
		return nil, fmt.Errorf("no function %q", a.Field)
	}
	var args []abi.Value
	for i, v := range a.Args {
		x, err := value(v.Value, f.Type.Params[i].Type)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	return f.Call(args...)
}

// TestReferenceTests runs the reference tests of the component model, all of the synchronous part.
func TestReferenceTests(t *testing.T) {
	engine := newEngine(t)
	passed := map[string]int{}
	for _, in := range spectest.Scripts(t) {
		s := &script{t: t, engine: engine, programs: map[string]*Program{}}
		for _, c := range in.Commands {
			where := fmt.Sprintf("%s:%d", in.Name, c.Line)
			err := s.run(c)
			switch reason := refused[where]; {
			case err != nil && reason == "":
				t.Errorf("%s: %s: %v (%s)", where, c.Type, err, c.Text)
			case err == nil && reason != "":
				t.Errorf("%s: passes, though it is listed as refused: %s", where, reason)
			case err == nil:
				passed[c.Type]++
			}
		}
	}
	want := map[string]int{
		"module": 174, "module_definition": 75, "module_instance": 60,
		"assert_malformed": 75, "assert_invalid": 376, "assert_return": 287, "assert_trap": 65,
	}
	if !maps.Equal(passed, want) {
		t.Errorf("commands passed: %v, want %v", passed, want)
	}
}
