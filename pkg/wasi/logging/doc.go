// Package logging is wasi:logging: messages with a level and a context, which become lines of the container's standard error. A line is
//
//	LEVEL context: message
//
// without a time, for whoever keeps the log of a container notes that.
//
// The text of the proposal is that of https://github.com/WebAssembly/wasi-logging. Its versions are 0.1.0-draft, of 2024-10, and what was
// there before, which has none. They are the same.
package logging
