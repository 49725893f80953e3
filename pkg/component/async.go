package component

import (
	"errors"
	"fmt"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/validate"
)

// ErrAsync is why a call fails that needs tasks, streams or futures.
var ErrAsync = errors.New("asynchronous calls are not supported")

// maxBackpressure is how often backpressure can be raised without being lowered.
const maxBackpressure = 1<<16 - 1

// asyncBuiltin makes a built-in of WASI 0.3. Those that only touch the instance's own state work. The others check what the
// specification has them check first, and fail then: a component may import more than it calls.
func (b *builder) asyncBuiltin(d *binary.Canon, c validate.Canon) corewasm.Ref {
	s := b.state
	call := func([]corewasm.Val) error {
		if err := s.callOut(); err != nil {
			return err
		}
		return fmt.Errorf("canon %v: %w", d.Op, ErrAsync)
	}
	switch d.Op {
	case binary.CanonContextGet:
		call = func(vals []corewasm.Val) error {
			vals[0].Lo = uint64(s.context[d.Slot])
			return nil
		}
	case binary.CanonContextSet:
		call = func(vals []corewasm.Val) error {
			s.context[d.Slot] = uint32(vals[0].Lo)
			return nil
		}
	case binary.CanonBackpressureInc:
		call = func([]corewasm.Val) error {
			if s.backpressure == maxBackpressure {
				return &abi.Trap{Reason: "backpressure was raised too often"}
			}
			s.backpressure++
			return nil
		}
	case binary.CanonBackpressureDec:
		call = func([]corewasm.Val) error {
			if s.backpressure == 0 {
				return &abi.Trap{Reason: "backpressure was lowered more often than raised"}
			}
			s.backpressure--
			return nil
		}
	}
	return b.newFunc(d, call)
}

// liftAsync is a function that is there and cannot be called.
func (b *builder) liftAsync(c validate.Canon) *Func {
	return &Func{Type: c.Func, err: fmt.Errorf("canon lift async: %w", ErrAsync)}
}
