package names

import (
	"fmt"
	"strings"
)

// A Kind is a form of extern name.
type Kind byte

// The forms of extern names.
const (
	Plain Kind = iota
	Constructor
	Method
	Static
	Interface
)

// An Extern is the parsed name of an import or export.
type Extern struct {
	Kind Kind
	// Plain: the label. Interface: the interface's own label. Else the label of the resource.
	Label string
	// Member is the label after the dot of a method or static function.
	Member string

	Namespace, Package string // of an interface
	Version            string // of an interface, without the @; "" if there is none
}

var annotations = []struct {
	prefix string
	kind   Kind
}{
	{"[constructor]", Constructor},
	{"[method]", Method},
	{"[static]", Static},
}

// Parse reads an extern name.
func Parse(s string) (Extern, error) {
	for _, a := range annotations {
		rest, ok := strings.CutPrefix(s, a.prefix)
		if !ok {
			continue
		}
		n := Extern{Kind: a.kind, Label: rest}
		if a.kind != Constructor {
			if n.Label, n.Member, ok = strings.Cut(rest, "."); !ok {
				return Extern{}, fmt.Errorf("%q has no dot between resource and function", s)
			}
			if err := CheckLabel(n.Member); err != nil {
				return Extern{}, err
			}
		}
		return n, CheckLabel(n.Label)
	}
	if strings.Contains(s, ":") {
		return parseInterface(s)
	}
	return Extern{Kind: Plain, Label: s}, CheckLabel(s)
}

// parseInterface reads namespace:package/interface and perhaps @version.
func parseInterface(s string) (Extern, error) {
	n := Extern{Kind: Interface}
	path, version, versioned := strings.Cut(s, "@")
	var rest string
	n.Namespace, rest, _ = strings.Cut(path, ":")
	n.Package, n.Label, _ = strings.Cut(rest, "/")
	switch {
	case !isWords(n.Namespace) || !isWords(n.Package):
		return Extern{}, fmt.Errorf("%q is not a valid name: namespace and package are lower-case words before : and /", s)
	case !isLabel(n.Label): // which nested namespaces and packages fail too
		return Extern{}, fmt.Errorf("%q: the interface %q is not in kebab case", s, n.Label)
	}
	if versioned {
		n.Version = version
		if _, err := ParseVersion(version); err != nil && !isCanonical(version) {
			return Extern{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	return n, nil
}

// Key is equal for names that are not strongly unique, which may not stand in one scope.
func (n Extern) Key() string {
	label, member := LabelKey(n.Label), LabelKey(n.Member)
	switch n.Kind {
	case Constructor:
		return "[constructor]" + label
	case Method, Static:
		if label == member {
			return label
		}
		return label + "." + member
	case Interface:
		key := n.Namespace + ":" + n.Package + "/" + label
		if n.Version != "" {
			key += "@" + n.Version
		}
		return key
	}
	return label
}
