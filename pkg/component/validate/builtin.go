package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/types"
)

// sig is the core type of a built-in: how many i32 it takes and returns.
func sig(params, results int) *core.FuncType {
	all := []core.ValType{core.I32, core.I32, core.I32, core.I32}
	return &core.FuncType{Params: all[:params:params], Results: all[:results:results]}
}

// fixed are the built-ins whose core type depends on nothing.
var fixed = map[binary.CanonOp]*core.FuncType{
	binary.CanonTaskCancel:              sig(0, 0),
	binary.CanonSubtaskCancel:           sig(1, 1),
	binary.CanonSubtaskDrop:             sig(1, 0),
	binary.CanonErrorContextDrop:        sig(1, 0),
	binary.CanonWaitableSetNew:          sig(0, 1),
	binary.CanonWaitableSetDrop:         sig(1, 0),
	binary.CanonWaitableJoin:            sig(2, 0),
	binary.CanonBackpressureInc:         sig(0, 0),
	binary.CanonBackpressureDec:         sig(0, 0),
	binary.CanonThreadIndex:             sig(0, 1),
	binary.CanonThreadYield:             sig(0, 1),
	binary.CanonThreadResumeLater:       sig(1, 0),
	binary.CanonThreadSuspend:           sig(0, 1),
	binary.CanonThreadSuspendThenResume: sig(1, 1),
	binary.CanonThreadYieldThenResume:   sig(1, 1),
	binary.CanonThreadSuspendPromote:    sig(1, 1),
	binary.CanonThreadYieldPromote:      sig(1, 1),
}

// asyncBuiltin checks the built-ins of WASI 0.3. They have types here; running them is a matter of its own.
func (s *scope) asyncBuiltin(d *binary.Canon) (Canon, error) {
	if f, ok := fixed[d.Op]; ok {
		return Canon{Core: f}, nil
	}
	switch d.Op {
	case binary.CanonTaskReturn:
		return s.taskReturn(d)
	case binary.CanonContextGet, binary.CanonContextSet:
		return s.context(d)
	case binary.CanonWaitableSetWait, binary.CanonWaitableSetPoll:
		_, err := s.memory(d.Memory)
		return Canon{Core: sig(2, 1), Options: Options{Memory: &d.Memory}}, err
	case binary.CanonErrorContextNew, binary.CanonErrorContextDebug:
		return s.errorContext(d)
	case binary.CanonThreadNewIndirect:
		return s.newThread(d)
	case binary.CanonThreadSpawnRef, binary.CanonThreadSpawnIndirect, binary.CanonThreadParallelism:
		return Canon{}, fmt.Errorf("shared-everything threads are not supported")
	}
	return s.channelBuiltin(d)
}

func (s *scope) taskReturn(d *binary.Canon) (Canon, error) {
	v, err := s.optional(d.Result)
	if err != nil {
		return Canon{}, err
	}
	if v != nil && v.Shape().Borrows {
		return Canon{}, fmt.Errorf("the result cannot contain a borrow type")
	}
	o, err := s.options(d.Options)
	switch {
	case err != nil:
		return Canon{}, err
	case o.Async || o.Realloc != nil || o.PostReturn != nil || o.Callback != nil:
		return Canon{}, fmt.Errorf("only the options memory and string-encoding are allowed")
	}
	results := (&types.Func{Result: v}).ResultTypes()
	if err := o.require(pointers(results) || spills(results, types.MaxFlatParams), false); err != nil {
		return Canon{}, err
	}
	// The result is passed as the parameters of a lowered function would be.
	f := &types.Func{}
	if v != nil {
		f.Params = []types.Field{{Label: "result", Type: v}}
	}
	return Canon{Result: v, Options: o, Core: f.Core(types.Lower, o.Ptr, false, false)}, nil
}

const contextSlots = 2

func (s *scope) context(d *binary.Canon) (Canon, error) {
	switch {
	case d.CoreVal != core.I32:
		return Canon{}, fmt.Errorf("context slots hold i32, not %s", d.CoreVal)
	case d.Slot >= contextSlots:
		return Canon{}, fmt.Errorf("there are %d context slots, no slot %d", contextSlots, d.Slot)
	case d.Op == binary.CanonContextGet:
		return Canon{Core: sig(0, 1)}, nil
	}
	return Canon{Core: sig(1, 0)}, nil
}

func (s *scope) errorContext(d *binary.Canon) (Canon, error) {
	o, err := s.options(d.Options)
	switch {
	case err != nil:
		return Canon{}, err
	case o.Async || o.PostReturn != nil || o.Callback != nil:
		return Canon{}, fmt.Errorf("only the options memory, realloc and string-encoding are allowed")
	case d.Op == binary.CanonErrorContextNew:
		return Canon{Core: sig(2, 1), Options: o}, o.require(true, false)
	}
	return Canon{Core: sig(2, 0), Options: o}, o.require(true, true)
}

func (s *scope) newThread(d *binary.Canon) (Canon, error) {
	t, err := at(s.CoreTypes, binary.SortCoreType, d.CoreType)
	if err != nil {
		return Canon{}, err
	}
	if t.Func == nil || !t.Func.Equal(sig(1, 0)) {
		return Canon{}, fmt.Errorf("a thread starts with a function of type %v", sig(1, 0))
	}
	table, err := at(s.CoreTables, binary.SortCoreTable, d.Table)
	if err != nil {
		return Canon{}, err
	}
	if table.Elem != core.FuncRef || table.Limits.Is64 {
		return Canon{}, fmt.Errorf("core table %d is one of %s, want %s", d.Table, table.Elem, core.FuncRef)
	}
	return Canon{Core: sig(2, 1)}, nil
}

// channelBuiltin checks the built-ins of streams and futures.
func (s *scope) channelBuiltin(d *binary.Canon) (Canon, error) {
	v, err := s.value(d.Type)
	if err != nil {
		return Canon{}, err
	}
	var elem types.Value
	stream := d.Op < binary.CanonFutureNew
	switch v := v.(type) {
	case *types.Stream:
		elem = v.Elem
		err = wantStream(stream, d.Type)
	case *types.Future:
		elem = v.Elem
		err = wantStream(!stream, d.Type)
	default:
		err = fmt.Errorf("type %d is a %s, neither stream nor future", d.Type, types.Describe(v))
	}
	if err != nil {
		return Canon{}, err
	}
	c := Canon{Def: v}
	switch d.Op {
	case binary.CanonStreamNew, binary.CanonFutureNew:
		c.Core = &core.FuncType{Results: []core.ValType{core.I64}}
		return c, nil
	case binary.CanonStreamRead, binary.CanonStreamWrite, binary.CanonFutureRead, binary.CanonFutureWrite:
		return s.copyBuiltin(d, c, elem, stream)
	case binary.CanonStreamDropReadable, binary.CanonStreamDropWritable, binary.CanonFutureDropReadable, binary.CanonFutureDropWritable:
		c.Core = sig(1, 0)
		return c, nil
	}
	c.Core = sig(1, 1) // the four ways to cancel
	return c, nil
}

func wantStream(ok bool, index uint32) error {
	if !ok {
		return fmt.Errorf("type %d is a stream where a future is wanted, or the other way round", index)
	}
	return nil
}

// copyBuiltin checks reads and writes, which take a buffer, and of streams its length.
func (s *scope) copyBuiltin(d *binary.Canon, c Canon, elem types.Value, stream bool) (Canon, error) {
	var err error
	if c.Options, err = s.options(d.Options); err != nil {
		return c, err
	}
	if c.Options.PostReturn != nil || c.Options.Callback != nil {
		return c, fmt.Errorf("the options post-return and callback are not allowed")
	}
	c.Core = sig(2, 1)
	if stream {
		c.Core = sig(3, 1)
	}
	reads := d.Op == binary.CanonStreamRead || d.Op == binary.CanonFutureRead
	return c, c.Options.require(elem != nil, reads && elem != nil && elem.Shape().Pointers)
}
