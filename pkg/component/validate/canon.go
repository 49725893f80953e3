package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/types"
)

// A Canon is what a canonical definition means.
type Canon struct {
	Func    *types.Func    // of lift and lower
	Def     types.Def      // of resource.*: the *types.Resource; of stream.* and future.*: the type
	Result  types.Value    // of task.return
	Core    *core.FuncType // the core function that is lifted, or that the definition adds
	Options Options
}

// An Encoding is how strings lie in memory.
type Encoding byte

// The string encodings.
const (
	UTF8 Encoding = iota
	UTF16
	Latin1UTF16
)

// Options are canonical options. Indices are nil where the option is absent.
type Options struct {
	Encoding   Encoding
	Memory     *uint32
	Realloc    *uint32
	PostReturn *uint32
	Callback   *uint32
	Async      bool
	Ptr        types.PtrSize // of the memory
}

// options checks the options that do not depend on the function.
func (s *scope) options(list []binary.CanonOpt) (Options, error) {
	var o Options
	seen := map[binary.CanonOptKind]bool{}
	for _, opt := range list {
		kind := opt.Kind
		if kind == binary.OptUTF16 || kind == binary.OptLatin1UTF16 {
			kind = binary.OptUTF8 // only one of the encodings may be given
		}
		if seen[kind] {
			return o, fmt.Errorf("canonical option %v conflicts with an earlier one", opt.Kind)
		}
		seen[kind] = true
		i := opt.Index
		switch opt.Kind {
		case binary.OptUTF8, binary.OptUTF16, binary.OptLatin1UTF16:
			o.Encoding = Encoding(opt.Kind)
		case binary.OptMemory:
			o.Memory = &i
		case binary.OptRealloc:
			o.Realloc = &i
		case binary.OptPostReturn:
			o.PostReturn = &i
		case binary.OptAsync:
			o.Async = true
		case binary.OptCallback:
			o.Callback = &i
		}
	}
	if o.Memory != nil {
		m, err := s.memory(*o.Memory)
		if err != nil {
			return o, err
		}
		if m.Shared || m.Is64 || m.PageSizeLog2 != 16 {
			return o, fmt.Errorf("canonical option memory: memory %d is shared, of 64 bits or of odd page size", *o.Memory)
		}
	}
	if o.Realloc != nil {
		if o.Memory == nil {
			return o, fmt.Errorf("canonical option memory is required with realloc")
		}
		want := &core.FuncType{Params: []core.ValType{core.I32, core.I32, core.I32, core.I32}, Results: []core.ValType{core.I32}}
		if err := s.optionFunc("realloc", *o.Realloc, want); err != nil {
			return o, err
		}
	}
	if o.Callback != nil {
		want := &core.FuncType{Params: []core.ValType{core.I32, core.I32, core.I32}, Results: []core.ValType{core.I32}}
		if err := s.optionFunc("callback", *o.Callback, want); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (s *scope) optionFunc(option string, index uint32, want *core.FuncType) error {
	f, err := s.coreFunc(index)
	if err != nil {
		return fmt.Errorf("canonical option %s: %w", option, err)
	}
	if !f.Equal(want) {
		return fmt.Errorf("canonical option %s: core function %d has type %v, want %v", option, index, f, want)
	}
	return nil
}

// require checks that memory and realloc are there if they are needed.
func (o *Options) require(memory, realloc bool) error {
	switch {
	case (memory || realloc) && o.Memory == nil:
		return fmt.Errorf("canonical option memory is required")
	case realloc && o.Realloc == nil:
		return fmt.Errorf("canonical option realloc is required")
	}
	return nil
}

func pointers(ts []types.Value) bool {
	for _, t := range ts {
		if t.Shape().Pointers {
			return true
		}
	}
	return false
}

func spills(ts []types.Value, limit int) bool {
	return !types.Direct(ts, limit)
}

func (s *scope) canon(d *binary.Canon) error {
	var c Canon
	var err error
	switch d.Op {
	case binary.CanonLift:
		c, err = s.lift(d)
		if err == nil {
			s.Funcs = append(s.Funcs, c.Func)
		}
	case binary.CanonLower:
		c, err = s.lower(d)
	case binary.CanonResourceNew, binary.CanonResourceDrop, binary.CanonResourceRep:
		c, err = s.resourceBuiltin(d)
	default:
		c, err = s.asyncBuiltin(d)
	}
	if err != nil {
		return fmt.Errorf("canon %v: %w", d.Op, err)
	}
	if d.Op != binary.CanonLift {
		s.addCoreFunc(c.Core)
	}
	s.canons[d] = c
	return nil
}

// lift: arguments are lowered into the callee, the result is lifted out of it.
func (s *scope) lift(d *binary.Canon) (Canon, error) {
	f, err := s.function(d.Type)
	if err != nil {
		return Canon{}, err
	}
	o, err := s.options(d.Options)
	if err != nil {
		return Canon{}, err
	}
	c := Canon{Func: f, Options: o, Core: f.Core(types.Lift, o.Ptr, o.Async, o.Callback != nil)}
	callee, err := s.coreFunc(d.CoreFunc)
	if err != nil {
		return c, err
	}
	if !callee.Equal(c.Core) {
		return c, fmt.Errorf("core function %d has type %v, the function type asks for %v", d.CoreFunc, callee, c.Core)
	}
	if o.PostReturn != nil {
		if o.Async {
			return c, fmt.Errorf("canonical option post-return cannot be used with async")
		}
		if err := s.optionFunc("post-return", *o.PostReturn, &core.FuncType{Params: c.Core.Results}); err != nil {
			return c, err
		}
	}
	if err := checkAsync(f, o); err != nil {
		return c, err
	}
	params, results := f.ParamTypes(), f.ResultTypes()
	maxResults := types.MaxFlatResults
	if o.Async {
		maxResults = types.MaxFlatParams
	}
	allocates := pointers(params) || spills(params, types.MaxFlatParams)
	return c, o.require(pointers(results) || spills(results, maxResults), allocates)
}

// lower: arguments are lifted out of the caller, the result is lowered into it.
func (s *scope) lower(d *binary.Canon) (Canon, error) {
	f, err := at(s.Funcs, binary.SortFunc, d.Func)
	if err != nil {
		return Canon{}, err
	}
	o, err := s.options(d.Options)
	if err != nil {
		return Canon{}, err
	}
	c := Canon{Func: f, Options: o, Core: f.Core(types.Lower, o.Ptr, o.Async, false)}
	if o.PostReturn != nil || o.Callback != nil {
		return c, fmt.Errorf("canonical options post-return and callback are for lift only")
	}
	if err := checkAsync(f, o); err != nil {
		return c, err
	}
	params, results := f.ParamTypes(), f.ResultTypes()
	maxParams, maxResults := types.MaxFlatParams, types.MaxFlatResults
	if o.Async {
		maxParams, maxResults = types.MaxFlatAsyncParams, 0
	}
	memory := o.Async || pointers(params) || spills(params, maxParams) || spills(results, maxResults)
	return c, o.require(memory, pointers(results))
}

func checkAsync(f *types.Func, o Options) error {
	switch {
	case o.Async && !f.Async:
		return fmt.Errorf("canonical option async is for functions of an async type")
	case o.Callback != nil && !o.Async:
		return fmt.Errorf("canonical option callback is for async lifts")
	}
	return nil
}

func (s *scope) resourceBuiltin(d *binary.Canon) (Canon, error) {
	r, err := s.resource(d.Type)
	if err != nil {
		return Canon{}, err
	}
	c := Canon{Def: r}
	one := []core.ValType{core.I32}
	switch {
	case d.Op == binary.CanonResourceDrop:
		c.Core = &core.FuncType{Params: one}
		return c, nil
	case s.defined[r.ID] == nil:
		return c, fmt.Errorf("type %d is not a local resource: only the component that defines it may see its representation", d.Type)
	}
	c.Core = &core.FuncType{Params: one, Results: one}
	return c, nil
}
