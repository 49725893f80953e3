package core

import (
	"fmt"
	"slices"
)

// Match reports, as an error, why a definition of type have cannot be used where want is asked for. The rules are those of core
// import matching.
func Match(have, want Extern) error {
	if have.Sort != want.Sort {
		return fmt.Errorf("want a %v, have a %v", want.Sort, have.Sort)
	}
	switch want.Sort {
	case SortFunc, SortTag:
		if have.Type.Key == want.Type.Key || want.Sort == SortFunc && slices.Contains(have.Type.Supers, want.Type.Key) {
			return nil
		}
		return fmt.Errorf("want type %v, have %v", describe(want.Type), describe(have.Type))
	case SortTable:
		if have.Elem != want.Elem {
			return fmt.Errorf("want a table of %s, have one of %s", want.Elem, have.Elem)
		}
		return matchLimits(have.Limits, want.Limits)
	case SortMemory:
		return matchLimits(have.Limits, want.Limits)
	case SortGlobal:
		if have.Mut != want.Mut {
			return fmt.Errorf("one global is mutable, the other is not")
		}
		if have.Global != want.Global {
			return fmt.Errorf("want a global of %s, have one of %s", want.Global, have.Global)
		}
	}
	return nil
}

func describe(t *Type) string {
	if t.Func != nil {
		return t.Func.String()
	}
	return t.Key
}

func matchLimits(have, want Limits) error {
	switch {
	case have.Shared != want.Shared:
		return fmt.Errorf("one memory is shared, the other is not")
	case have.Is64 != want.Is64:
		return fmt.Errorf("want addresses of %s, have %s", want.AddrType(), have.AddrType())
	case have.PageSizeLog2 != want.PageSizeLog2:
		return fmt.Errorf("page sizes differ")
	case have.Min < want.Min:
		return fmt.Errorf("want a size of at least %d, have %d", want.Min, have.Min)
	case want.HasMax && (!have.HasMax || have.Max > want.Max):
		return fmt.Errorf("want a maximum size of %d or less", want.Max)
	}
	return nil
}

// MatchModule reports, as an error, why a module of type have cannot be used where one of type want is asked for: it may import
// less and export more.
func MatchModule(have, want *Module) error {
	given := make(map[[2]string]Extern, len(want.Imports))
	for _, i := range want.Imports {
		given[[2]string{i.Module, i.Name}] = i.Extern
	}
	for _, i := range have.Imports {
		e, ok := given[[2]string{i.Module, i.Name}]
		if !ok {
			return fmt.Errorf("the module needs an import %q %q that is not expected", i.Module, i.Name)
		}
		if err := Match(e, i.Extern); err != nil {
			return fmt.Errorf("import %q %q: %w", i.Module, i.Name, err)
		}
	}
	for _, want := range want.Exports.List {
		e, ok := have.Exports.Find(want.Name)
		if !ok {
			return fmt.Errorf("the module has no export %q", want.Name)
		}
		if err := Match(e, want.Extern); err != nil {
			return fmt.Errorf("export %q: %w", want.Name, err)
		}
	}
	return nil
}
