package cli

import (
	"strings"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

type variable struct{ name, value string }

var variableType = wit.Tuple(
	wit.Field("0", wit.String, func(v *variable) *string { return &v.name }),
	wit.Field("1", wit.String, func(v *variable) *string { return &v.value }))

// environment is the interface wasi:cli/environment.
func (h *Host) environment() *wit.Interface {
	return wit.NewInterface("wasi:cli/environment@"+wasiio.Version,
		// get-environment: func() -> list<tuple<string, string>>
		wit.Func0("get-environment", wit.List(variableType), func(*wit.Call) ([]variable, error) { return variables(h.config.Env), nil }),
		// get-arguments: func() -> list<string>
		wit.Func0("get-arguments", wit.List(wit.String), func(*wit.Call) ([]string, error) { return h.config.Args, nil }),
		// initial-cwd: func() -> option<string>
		wit.Func0("initial-cwd", wit.Option(wit.String), func(*wit.Call) (*string, error) {
			if h.config.Cwd == "" {
				return nil, nil
			}
			return &h.config.Cwd, nil
		}),
	)
}

// variables splits NAME=VALUE strings.
func variables(env []string) []variable {
	vs := make([]variable, 0, len(env))
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok {
			vs = append(vs, variable{name, value})
		}
	}
	return vs
}
