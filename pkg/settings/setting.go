package settings

import (
	"fmt"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
)

// Where is a set of places a setting may stand in.
type Where uint8

// The places. The first three are the operator's, the others the container's.
const (
	File Where = 1 << iota
	Environment
	Options
	Variable
	Annotation

	// Operators are the places of the operator.
	Operators = File | Environment | Options
	// Everywhere is every place.
	Everywhere = Operators | Variable | Annotation
)

// Prefixes of names. A setting a-b is the annotation io.containerd.wasmgo.a-b and the variable WASMGO_A_B.
const (
	AnnotationPrefix = "io.containerd.wasmgo."
	VariablePrefix   = "WASMGO_"
)

// Rule is how what a container says goes with what the operator says.
type Rule uint8

const (
	// Operator: only the operator says it.
	Operator Rule = iota
	// Free: the container's value takes the place of the operator's.
	Free
	// Maximum: the operator's value is what holds without the container's, and its upper bound. More is an error.
	Maximum
	// Adds: both hold, as with parts that are refused.
	Adds
	// Own: only the container says it.
	Own
)

// Setting is a row of the table.
type Setting struct {
	// Name is in small letters, words joined by hyphens.
	Name string
	// Heading is the part of the reference it stands in.
	Heading string
	// Default is the value that holds when nobody has said one, as it would be written; "" if there is none.
	Default string
	// Otherwise tells, in place of Default, what holds then.
	Otherwise string
	// Example is a value, for settings without a Default.
	Example string
	// Where it may be said.
	Where Where
	// Rule is how container and operator go together.
	Rule Rule
	// OfShim is set for what holds for a shim and not for each of its containers.
	OfShim bool
	// Alias is a second name of it among the runtime's options, where containerd's shim for runc has one.
	Alias string
	// Doc says what it does, in sentences of one line.
	Doc string

	// Kind says what its values look like.
	Kind string
	// bare values are written without quotation marks in TOML.
	bare bool
	// family is set for a setting whose name is followed by a key of the user's: name.KEY.
	family bool

	read  func(text string) (any, error)
	store func(v *Values, key string, x any)
	add   func(v *Values, x any)
	above func(x, bound any) bool
	show  func(text string) string
}

// field completes a row with the kind of its values and where they go. It panics if the row makes no sense.
func field[T any](s Setting, k kind[T], into func(*Values) *T) Setting {
	s.Kind, s.bare = k.name, k.bare
	s.read, s.show = func(text string) (any, error) { return k.read(text) }, k.show
	s.store = func(v *Values, _ string, x any) { *into(v) = x.(T) }
	if k.above != nil {
		s.above = func(x, bound any) bool { return k.above(x.(T), bound.(T)) }
	}
	if k.join != nil {
		s.add = func(v *Values, x any) { *into(v) = k.join(*into(v), x.(T)) }
	}
	if s.Rule == Maximum && s.above == nil || s.Rule == Adds && s.add == nil {
		panic("settings: values of " + s.Name + " cannot be put together")
	}
	return s
}

// family is field for a setting of many keys, each with a value: name.KEY.
func family[T any](s Setting, k kind[T], into func(*Values) *map[string]T) Setting {
	s.Kind, s.bare, s.family = k.name, k.bare, true
	s.read, s.show = func(text string) (any, error) { return k.read(text) }, k.show
	s.store = func(v *Values, key string, x any) {
		m := into(v)
		if *m == nil {
			*m = map[string]T{}
		}
		(*m)[key] = x.(T)
	}
	return s
}

// Show is a value as it may be printed.
func (s *Setting) Show(text string) string {
	if s.show != nil {
		text = s.show(text)
	}
	return printable(text)
}

// AnnotationName is the annotation of that name.
func (s *Setting) AnnotationName() string { return AnnotationPrefix + s.Name }

// VariableName is the environment variable of that name.
func (s *Setting) VariableName() string {
	return VariablePrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// byName finds rows.
var byName = sync.OnceValue(func() map[string]*Setting {
	m := map[string]*Setting{}
	for i := range rows() {
		s := &rows()[i]
		if m[s.Name] != nil {
			panic("settings: two of the name " + s.Name)
		}
		m[s.Name] = s
	}
	return m
})

// Table is every setting, in the order of the reference.
func Table() []Setting { return rows() }

// find returns the row that key means in the place where, and the rest of the key for a family. Keys of the runtime's options may be runc's.
func find(key string, where Where) (s *Setting, rest string, err error) {
	if s = byName()[key]; s != nil && !s.family {
		return s, "", nil
	}
	if name, rest, ok := strings.Cut(key, "."); ok && rest != "" && byName()[name] != nil && byName()[name].family {
		return byName()[name], rest, nil
	}
	if where == Options {
		for i := range rows() {
			if rows()[i].Alias == key {
				return &rows()[i], "", nil
			}
		}
	}
	if s != nil {
		return nil, "", fmt.Errorf("%s wants a key: %s.KEY: %w", key, key, errdefs.ErrInvalidArgument)
	}
	return nil, "", noSuch(key, where)
}

// misplaced says why s cannot stand in the place where, or is nil.
func (s *Setting) misplaced(where Where) error {
	if s.Where&where != 0 {
		return nil
	}
	var may []string
	if s.Where&File != 0 {
		may = append(may, ConfigPath+" ("+s.Name+" = …)")
	}
	if s.Where&Options != 0 {
		may = append(may, "the runtime's options")
	}
	if s.Where&Environment != 0 {
		may = append(may, s.VariableName()+" in containerd's environment")
	}
	if s.Where&Annotation != 0 {
		may = append(may, "the annotation "+s.AnnotationName())
	}
	if s.Where&Variable != 0 {
		may = append(may, s.VariableName()+" in the container's environment")
	}
	who := "it"
	if s.Rule == Operator && where&Operators == 0 {
		who = "it is the operator's alone, and"
	}
	return fmt.Errorf("%s cannot be set here: %s may be set by %s: %w", s.Name, who, strings.Join(may, ", "), errdefs.ErrInvalidArgument)
}
