package settings

import (
	"fmt"
	"slices"
	"strings"
)

// Said is one value that somebody has said.
type Said struct {
	// Setting is its row.
	Setting *Setting
	// Key is what stands after the name in one of a family, else "".
	Key string
	// Text is the value as it was written.
	Text string
	// Where it was said, and At the same for a person: "/etc/wasmgo/config.toml, line 3".
	Where Where
	At    string

	value any
}

// Name is the setting's full name.
func (s Said) Name() string {
	if s.Key == "" {
		return s.Setting.Name
	}
	return s.Setting.Name + "." + s.Key
}

// say reads a value of key that stands in where. At tells a person the place; every error begins with it.
func say(key, text string, where Where, at string) (Said, error) {
	s, rest, err := find(key, where)
	if err == nil {
		err = s.misplaced(where)
	}
	if err != nil {
		return Said{}, fmt.Errorf("%s: %w", at, err)
	}
	value, err := s.read(text)
	if err != nil {
		if where&(Variable|Annotation|Environment) == 0 { // there the place is the key
			at += ": " + printable(key)
		}
		return Said{}, fmt.Errorf("%s: value %q: %w", at, s.Show(text), err)
	}
	return Said{Setting: s, Key: rest, Text: text, Where: where, At: at, value: value}, nil
}

// Option reads one option of a runtime.
func Option(key, text string) (Said, error) { return say(key, text, Options, "option") }

// variableKey is the setting that an environment variable of ours names.
func variableKey(name string) (key string, ok bool) {
	key, ok = strings.CutPrefix(name, VariablePrefix)
	return strings.ReplaceAll(strings.ToLower(key), "_", "-"), ok
}

// fromEnvironment is what the environment of containerd says.
func fromEnvironment(environ []string) (out []Said, err error) {
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		key, ok := variableKey(name)
		if !ok || value == "" || slices.Contains(internal, name) || strings.HasPrefix(name, testPrefix) {
			continue
		}
		said, err := say(key, value, Environment, "environment variable "+name)
		if err != nil {
			return nil, err
		}
		out = append(out, said)
	}
	return out, nil
}
