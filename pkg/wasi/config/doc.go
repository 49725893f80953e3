// Package config is wasi:config: the interface store, for components to import. A value is what the operator has set for its key, or else a
// variable of the container.
//
// The proposal has no final version. These are the ones that toolchains emit:
//
//	store@0.2.0-rc.1, store@0.2.0-draft    get and get-all of strings
//	runtime@0.2.0-draft                    the same under the interface's old name, with its error under the name config-error
//
// An older runtime@0.2.0-draft, of before 2024-04, has values that are bytes. It has the same name, and what imports it is told that the
// types do not fit.
//
// The text of the proposal is that of https://github.com/WebAssembly/wasi-config.
package config
