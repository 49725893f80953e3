// Package binary decodes the binary format of components into a syntax tree.
//
//	file ──▶ Component
//	           Definitions  in file order, because every index space grows in that order:
//	             CoreModule · CoreInstance · CoreType · Component · Instance · Alias · TypeDef
//	             Canon · Start · Import · Export · ValueDef
//	           Names        the component-name section, for messages only
//	           Customs      the other custom sections
//
// The tree says what the file says, with indices as they stand there; what they refer to is the business of package validate.
// Core modules and core types are kept as ranges of bytes. Nothing is copied: a tree holds on to the file.
//
// Opcodes and rules are those of design/mvp/Binary.md of the component-model repository, and the types here have its names. A
// malformed file is a *[wire.Error] with the offset; no input may make the decoder panic, and none may make it use more than a small
// multiple of its own size in memory (see limits.go).
package binary
