package runner

import (
	"strings"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// unlinked is the refusal of a module with imports that nobody provides, or, if there are none, with one under another type.
func unlinked(g *handover.Guest, m *engine.Module, mismatch *engine.MismatchError) (*handover.Refusal, error) {
	missing, err := m.Missing()
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 {
		return refuse("%s does not fit what it imports: %v", g.Module, mismatch), nil
	}
	var b strings.Builder
	for _, i := range missing {
		b.WriteString("\n    " + i.Module + "::" + i.Name + " " + i.Type)
		if hint := provider(i.Module); hint != "" {
			b.WriteString(" — " + hint)
		}
	}
	return refuse("%s imports what is not provided here (only wasi_snapshot_preview1 is):%s", g.Module, b.String()), nil
}

// provider says what would provide a module of imports, if that is known.
func provider(module string) string {
	switch {
	case module == "wasi_unstable":
		return "an early WASI: rebuild with a toolchain of 2020 or later"
	case module == "wasi_snapshot_preview1":
		return "not a function of WASI 0.1"
	case module == "wasi" || strings.HasPrefix(module, "wasi:"):
		return "WASI 0.2: belongs into a component, wrap the module with `wasm-tools component new`"
	case module == "wasix_32v1" || module == "wasix_64v1":
		return "WASIX, which is Wasmer's own"
	case module == "wasi_threads":
		return "threads"
	case strings.HasPrefix(module, "wasi_ephemeral") || strings.HasPrefix(module, "wasi_nn"):
		return "a WASI proposal"
	case strings.HasPrefix(module, "wbg") || strings.HasPrefix(module, "__wbindgen"):
		return "wasm-bindgen: built for a JavaScript host; build for wasm32-wasip1"
	case module == "go" || module == "gojs":
		return "built with GOOS=js; build with GOOS=wasip1"
	case module == "env":
		return "built without WASI or with undefined symbols: Emscripten needs -sSTANDALONE_WASM, clang --target=wasm32-wasi"
	}
	return ""
}
