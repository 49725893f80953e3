// Package wire reads and writes the wire format of protocol buffers, field by field, for those who need a few fields of a few
// messages and have no time for the library: its descriptors take a millisecond to come up, which the launcher would pay twice for every
// container. Tests of its users hold them to the real thing.
package wire
