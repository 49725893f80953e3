package config

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"wasmgo/pkg/component/wit"
)

// Values are where a guest's configuration comes from.
type Values struct {
	// Set are the values that the operator has set.
	Set map[string]string
	// Env are the container's variables, NAME=value. Those without = are left out.
	Env []string
}

// Get is the value of a key: what is set, else the variable of that name, else the variable whose name is the key in capitals with _ for
// everything that a variable's name cannot have. So the key database-url is DATABASE_URL in the environment.
func (v Values) Get(key string) (value string, ok bool) {
	if value, ok = v.Set[key]; ok {
		return value, true
	}
	for _, wanted := range []string{key, variable(key)} {
		for _, e := range v.Env {
			if name, value, ok := strings.Cut(e, "="); ok && name == wanted && name != "" {
				return value, true
			}
		}
	}
	return "", false
}

// variable is a key as the name of a variable.
func variable(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key)
}

// An Entry is a key with its value.
type Entry struct{ Key, Value string }

// All are the values that are set, in the order of their keys, and then the variables whose names are not among them.
func (v Values) All() []Entry {
	all := make([]Entry, 0, len(v.Set)+len(v.Env))
	for _, key := range slices.Sorted(maps.Keys(v.Set)) {
		all = append(all, Entry{key, v.Set[key]})
	}
	for _, e := range v.Env {
		name, value, ok := strings.Cut(e, "=")
		if _, set := v.Set[name]; ok && !set && name != "" {
			all = append(all, Entry{name, value})
		}
	}
	return all
}

// A Host is wasi:config for one instance.
type Host struct{ values Values }

// New makes a host.
func New(v Values) *Host { return &Host{v} }

// Reset does nothing: guests leave nothing here.
func (h *Host) Reset() {}

// Close does nothing.
func (h *Host) Close() error { return nil }

// Interfaces are those of all versions of the package wasi:config.
func (h *Host) Interfaces() []*wit.Interface {
	version := func(name, failure string) *wit.Interface {
		return wit.Later(name, func() *wit.Interface { return h.store(name, failure) })
	}
	return []*wit.Interface{
		version("wasi:config/store@0.2.0-rc.1", "error"),
		version("wasi:config/store@0.2.0-draft", "error"),
		version("wasi:config/runtime@0.2.0-draft", "config-error"),
	}
}

// failureType is: variant error { upstream(string), io(string) }. Neither is ever returned: all values are at hand.
var failureType = wit.Variant(
	wit.Case("upstream", wit.String, func(s string) error { return errors.New(s) }, func(error) (string, bool) { return "", false }),
	wit.Case("io", wit.String, func(s string) error { return errors.New(s) }, func(err error) (string, bool) { return err.Error(), true }),
)

func never(error) (error, bool) { return nil, false }

var entryType = wit.Tuple(
	wit.Field("0", wit.String, func(e *Entry) *string { return &e.Key }),
	wit.Field("1", wit.String, func(e *Entry) *string { return &e.Value }))

// store is the interface wasi:config/store.
func (h *Host) store(name, failure string) *wit.Interface {
	return wit.NewInterface(name,
		wit.Named(failure, failureType),
		// get: func(key: string) -> result<option<string>, error>
		wit.Func1("get", wit.Param("key", wit.String), wit.Result(wit.Option(wit.String), failureType, never),
			func(_ *wit.Call, key string) (*string, error) {
				if value, ok := h.values.Get(key); ok {
					return &value, nil
				}
				return nil, nil
			}),
		// get-all: func() -> result<list<tuple<string, string>>, error>
		wit.Func0("get-all", wit.Result(wit.List(entryType), failureType, never),
			func(*wit.Call) ([]Entry, error) { return h.values.All(), nil }),
	)
}
