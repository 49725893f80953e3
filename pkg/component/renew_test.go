package component

import (
	"errors"
	"fmt"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/spectest"
)

// again has the commands about the current instance run once more, on the same one made anew.
func (s *script) again(asserted []spectest.Command) error {
	if s.current == nil || len(asserted) == 0 {
		return nil
	}
	s.current.Empty()
	if err := s.current.Renew(); err != nil {
		return err
	}
	for _, c := range asserted {
		if err := s.run(c); err != nil {
			return fmt.Errorf("line %d: %w", c.Line, err)
		}
	}
	return nil
}

// TestReferenceTestsAgain: what an instance does after it was made anew is what it did when it was new, whatever it has gone through in
// between, traps included.
func TestReferenceTestsAgain(t *testing.T) {
	engine := newEngine(t)
	ran := 0
	for _, in := range spectest.Scripts(t) {
		s := &script{t: t, engine: engine, programs: map[string]*Program{}}
		var asserted []spectest.Command
		for n, c := range append(in.Commands, spectest.Command{}) {
			if s.current != nil && c.Type != "assert_return" && c.Type != "assert_trap" {
				if err := s.again(asserted); err != nil {
					t.Errorf("%s: %v", in.Name, err)
				}
				ran += len(asserted)
				s.current, asserted = nil, nil
			}
			if n == len(in.Commands) || refused[fmt.Sprintf("%s:%d", in.Name, c.Line)] != "" || s.run(c) != nil {
				continue
			}
			if s.current != nil && (c.Type == "assert_return" || c.Type == "assert_trap") {
				asserted = append(asserted, c)
			}
		}
	}
	if ran < 300 {
		t.Errorf("only %d commands ran again", ran)
	}
}

// TestRenewForgets: handles, the numbers of handles that were given up, and a trap.
func TestRenewForgets(t *testing.T) {
	tests := []struct{ name, body string }{
		{"handles that are left", `(drop (call $new (i32.const 1))) (i64.extend_i32_u (call $new (i32.const 1)))`},
		{"the order of handles that were dropped", `(local i32 i32)
			(local.set 0 (call $new (i32.const 1))) (local.set 1 (call $new (i32.const 1)))
			(call $drop (local.get 1)) (call $drop (local.get 0))
			(i64.extend_i32_u (call $new (i32.const 1)))`},
		{"more handles than are kept room for", `(local i32 i32) (local.set 0 (i32.const 3000))
			(loop $l (local.set 1 (call $new (i32.const 1))) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
			(i64.extend_i32_u (local.get 1))`},
		{"a trap in the middle of a call with a lent handle", `(drop (call $up (call $new (i32.const 1)))) (call $check (i32.const 22) (i32.const 4) (i32.const 64)) (i64.const 0)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, store := guestOf(t, tt.body)
			host, counters := things("0.2.0")
			i, err := p.Instantiate(store, host)
			if err != nil {
				t.Fatal(err)
			}
			first, firstErr := i.Func("run").Call()
			for range 3 {
				counters.Close()
				i.Empty()
				if err := i.Renew(); err != nil {
					t.Fatal(err)
				}
				got, err := i.Func("run").Call()
				if (err == nil) != (firstErr == nil) || err == nil && got[0] != first[0] {
					t.Errorf("the first guest returned %v, %v, a later one %v, %v", first, firstErr, got, err)
				}
				if trap := (*abi.Trap)(nil); errors.As(err, &trap) {
					t.Errorf("a later guest cannot be called: %v", err)
				}
			}
		})
	}
}
