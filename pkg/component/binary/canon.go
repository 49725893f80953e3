package binary

import (
	"fmt"

	"wasmgo/pkg/component/core"
)

// A CanonOp is a canonical definition, by its opcode.
type CanonOp byte

// The canonical definitions of the synchronous component model.
const (
	CanonLift         CanonOp = 0x00
	CanonLower        CanonOp = 0x01
	CanonResourceNew  CanonOp = 0x02
	CanonResourceDrop CanonOp = 0x03
	CanonResourceRep  CanonOp = 0x04
)

// The built-ins of WASI 0.3: tasks, waitables, streams, futures, error contexts, threads.
const (
	CanonTaskCancel              CanonOp = 0x05
	CanonSubtaskCancel           CanonOp = 0x06
	CanonTaskReturn              CanonOp = 0x09
	CanonContextGet              CanonOp = 0x0a
	CanonContextSet              CanonOp = 0x0b
	CanonThreadYield             CanonOp = 0x0c
	CanonSubtaskDrop             CanonOp = 0x0d
	CanonStreamNew               CanonOp = 0x0e
	CanonStreamRead              CanonOp = 0x0f
	CanonStreamWrite             CanonOp = 0x10
	CanonStreamCancelRead        CanonOp = 0x11
	CanonStreamCancelWrite       CanonOp = 0x12
	CanonStreamDropReadable      CanonOp = 0x13
	CanonStreamDropWritable      CanonOp = 0x14
	CanonFutureNew               CanonOp = 0x15
	CanonFutureRead              CanonOp = 0x16
	CanonFutureWrite             CanonOp = 0x17
	CanonFutureCancelRead        CanonOp = 0x18
	CanonFutureCancelWrite       CanonOp = 0x19
	CanonFutureDropReadable      CanonOp = 0x1a
	CanonFutureDropWritable      CanonOp = 0x1b
	CanonErrorContextNew         CanonOp = 0x1c
	CanonErrorContextDebug       CanonOp = 0x1d
	CanonErrorContextDrop        CanonOp = 0x1e
	CanonWaitableSetNew          CanonOp = 0x1f
	CanonWaitableSetWait         CanonOp = 0x20
	CanonWaitableSetPoll         CanonOp = 0x21
	CanonWaitableSetDrop         CanonOp = 0x22
	CanonWaitableJoin            CanonOp = 0x23
	CanonBackpressureInc         CanonOp = 0x24
	CanonBackpressureDec         CanonOp = 0x25
	CanonThreadIndex             CanonOp = 0x26
	CanonThreadNewIndirect       CanonOp = 0x27
	CanonThreadResumeLater       CanonOp = 0x28
	CanonThreadSuspend           CanonOp = 0x29
	CanonThreadSuspendThenResume CanonOp = 0x2a
	CanonThreadYieldThenResume   CanonOp = 0x2b
	CanonThreadSuspendPromote    CanonOp = 0x2c
	CanonThreadYieldPromote      CanonOp = 0x2d
	CanonThreadSpawnRef          CanonOp = 0x40
	CanonThreadSpawnIndirect     CanonOp = 0x41
	CanonThreadParallelism       CanonOp = 0x42
)

// An immediate reads one operand of a canonical definition.
type immediate func(d *decoder, c *Canon)

func immCoreFunc(d *decoder, c *Canon)    { c.CoreFunc = d.U32() }
func immFunc(d *decoder, c *Canon)        { c.Func = d.U32() }
func immType(d *decoder, c *Canon)        { c.Type = d.U32() }
func immOptions(d *decoder, c *Canon)     { c.Options = d.canonOpts() }
func immResult(d *decoder, c *Canon)      { c.Result = d.resultList() }
func immAsync(d *decoder, c *Canon)       { c.Async = d.optional() }
func immCancellable(d *decoder, c *Canon) { c.Cancellable = d.optional() }
func immShared(d *decoder, c *Canon)      { c.Shared = d.optional() }
func immMemory(d *decoder, c *Canon)      { c.Memory = d.U32() }
func immSlot(d *decoder, c *Canon)        { c.Slot = d.U32() }
func immCoreType(d *decoder, c *Canon)    { c.CoreType = d.U32() }
func immTable(d *decoder, c *Canon)       { c.Table = d.U32() }

func immCoreVal(d *decoder, c *Canon) {
	c.CoreVal = (&core.Reader{Reader: d.Reader, Lenient: true}).ValType()
}

// immFuncSort is the byte 0x00, for the sort func.
func immFuncSort(d *decoder, _ *Canon) {
	if at, b := d.Offset(), d.Byte(); b != 0 {
		d.FailAt(at, "canonical definition of sort %#x, want func (0)", b)
	}
}

// A canonForm is the name of a canonical definition and its immediates in file order.
type canonForm struct {
	name       string
	immediates []immediate
}

var canonForms = [...]canonForm{
	CanonLift:         {"lift", []immediate{immFuncSort, immCoreFunc, immOptions, immType}},
	CanonLower:        {"lower", []immediate{immFuncSort, immFunc, immOptions}},
	CanonResourceNew:  {"resource.new", []immediate{immType}},
	CanonResourceDrop: {"resource.drop", []immediate{immType}},
	CanonResourceRep:  {"resource.rep", []immediate{immType}},

	CanonTaskCancel:              {"task.cancel", nil},
	CanonSubtaskCancel:           {"subtask.cancel", []immediate{immAsync}},
	CanonTaskReturn:              {"task.return", []immediate{immResult, immOptions}},
	CanonContextGet:              {"context.get", []immediate{immCoreVal, immSlot}},
	CanonContextSet:              {"context.set", []immediate{immCoreVal, immSlot}},
	CanonThreadYield:             {"thread.yield", []immediate{immCancellable}},
	CanonSubtaskDrop:             {"subtask.drop", nil},
	CanonStreamNew:               {"stream.new", []immediate{immType}},
	CanonStreamRead:              {"stream.read", []immediate{immType, immOptions}},
	CanonStreamWrite:             {"stream.write", []immediate{immType, immOptions}},
	CanonStreamCancelRead:        {"stream.cancel-read", []immediate{immType, immAsync}},
	CanonStreamCancelWrite:       {"stream.cancel-write", []immediate{immType, immAsync}},
	CanonStreamDropReadable:      {"stream.drop-readable", []immediate{immType}},
	CanonStreamDropWritable:      {"stream.drop-writable", []immediate{immType}},
	CanonFutureNew:               {"future.new", []immediate{immType}},
	CanonFutureRead:              {"future.read", []immediate{immType, immOptions}},
	CanonFutureWrite:             {"future.write", []immediate{immType, immOptions}},
	CanonFutureCancelRead:        {"future.cancel-read", []immediate{immType, immAsync}},
	CanonFutureCancelWrite:       {"future.cancel-write", []immediate{immType, immAsync}},
	CanonFutureDropReadable:      {"future.drop-readable", []immediate{immType}},
	CanonFutureDropWritable:      {"future.drop-writable", []immediate{immType}},
	CanonErrorContextNew:         {"error-context.new", []immediate{immOptions}},
	CanonErrorContextDebug:       {"error-context.debug-message", []immediate{immOptions}},
	CanonErrorContextDrop:        {"error-context.drop", nil},
	CanonWaitableSetNew:          {"waitable-set.new", nil},
	CanonWaitableSetWait:         {"waitable-set.wait", []immediate{immCancellable, immMemory}},
	CanonWaitableSetPoll:         {"waitable-set.poll", []immediate{immCancellable, immMemory}},
	CanonWaitableSetDrop:         {"waitable-set.drop", nil},
	CanonWaitableJoin:            {"waitable.join", nil},
	CanonBackpressureInc:         {"backpressure.inc", nil},
	CanonBackpressureDec:         {"backpressure.dec", nil},
	CanonThreadIndex:             {"thread.index", nil},
	CanonThreadNewIndirect:       {"thread.new-indirect", []immediate{immCoreType, immTable}},
	CanonThreadResumeLater:       {"thread.resume-later", nil},
	CanonThreadSuspend:           {"thread.suspend", []immediate{immCancellable}},
	CanonThreadSuspendThenResume: {"thread.suspend-then-resume", []immediate{immCancellable}},
	CanonThreadYieldThenResume:   {"thread.yield-then-resume", []immediate{immCancellable}},
	CanonThreadSuspendPromote:    {"thread.suspend-then-promote", []immediate{immCancellable}},
	CanonThreadYieldPromote:      {"thread.yield-then-promote", []immediate{immCancellable}},
	CanonThreadSpawnRef:          {"thread.spawn-ref", []immediate{immShared, immCoreType}},
	CanonThreadSpawnIndirect:     {"thread.spawn-indirect", []immediate{immShared, immCoreType, immTable}},
	CanonThreadParallelism:       {"thread.available-parallelism", []immediate{immShared}},
}

// form is how op is written; that of no definition has no name.
func (op CanonOp) form() canonForm {
	if int(op) < len(canonForms) {
		return canonForms[op]
	}
	return canonForm{}
}

func (op CanonOp) String() string {
	if f := op.form(); f.name != "" {
		return f.name
	}
	return fmt.Sprintf("canonical definition %#x", byte(op))
}

// A Canon is (canon …). Which fields mean something depends on Op.
type Canon struct {
	Pos
	Op          CanonOp
	CoreFunc    uint32       // lift: what is lifted
	Func        uint32       // lower: what is lowered
	Type        uint32       // lift: the function type; resource.*, stream.*, future.*: the type
	Options     []CanonOpt   // in file order
	Result      *ValType     // task.return
	Async       bool         // *.cancel*
	Cancellable bool         // waitable-set.*, thread.*
	Shared      bool         // thread.*
	Memory      uint32       // waitable-set.*
	CoreVal     core.ValType // context.*
	Slot        uint32       // context.*
	CoreType    uint32       // thread.*
	Table       uint32       // thread.*
}

// A CanonOptKind is an option of a canonical definition, by its opcode.
type CanonOptKind byte

// The canonical options.
const (
	OptUTF8        CanonOptKind = 0x00
	OptUTF16       CanonOptKind = 0x01
	OptLatin1UTF16 CanonOptKind = 0x02
	OptMemory      CanonOptKind = 0x03
	OptRealloc     CanonOptKind = 0x04
	OptPostReturn  CanonOptKind = 0x05
	OptAsync       CanonOptKind = 0x06
	OptCallback    CanonOptKind = 0x07
)

func (k CanonOptKind) String() string {
	names := [...]string{
		"string-encoding=utf8", "string-encoding=utf16", "string-encoding=latin1+utf16", "memory", "realloc",
		"post-return", "async", "callback",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("canonical option %#x", byte(k))
}

// A CanonOpt is one option; Index is that of a core memory or core function where the kind has one.
type CanonOpt struct {
	Kind  CanonOptKind
	Index uint32
}

func (d *decoder) canon() Definition {
	c := &Canon{Pos: Pos(d.Offset()), Op: CanonOp(d.Byte())}
	form := c.Op.form()
	if form.name == "" {
		d.FailAt(c.Offset(), "unknown canonical definition %#x", byte(c.Op))
	}
	for _, read := range form.immediates {
		read(d, c)
	}
	return c
}

func (d *decoder) canonOpts() []CanonOpt {
	var opts []CanonOpt
	for range d.Count(maxElements, "canonical options") {
		at := d.Offset()
		o := CanonOpt{Kind: CanonOptKind(d.Byte())}
		switch o.Kind {
		case OptUTF8, OptUTF16, OptLatin1UTF16, OptAsync:
		case OptMemory, OptRealloc, OptPostReturn, OptCallback:
			o.Index = d.U32()
		default:
			d.FailAt(at, "unknown canonical option %#x", byte(o.Kind))
		}
		opts = append(opts, o)
	}
	return opts
}
