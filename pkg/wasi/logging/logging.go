package logging

import (
	"slices"
	"strings"

	"wasmgo/pkg/component/wit"
)

// A Level is how much a message matters.
type Level uint8

// The levels, in the order of the WIT, which is that of how much they matter.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
	Critical
)

var levels = []string{"trace", "debug", "info", "warn", "error", "critical"}

var levelType = wit.Enum[Level](levels...)

// String is the level's name.
func (l Level) String() string { return levels[l] }

// ParseLevel is the level of a name; "" is Trace.
func ParseLevel(name string) (l Level, ok bool) {
	if name == "" {
		return Trace, true
	}
	i := slices.Index(levels, name)
	return Level(max(i, 0)), i >= 0
}

// A Writer is a stream for lines, such as a standard error of package cli. A line comes as one write, so that those of several instances
// stay whole as far as the kernel keeps writes whole.
type Writer interface{ Write(b []byte) error }

// A Host is wasi:logging for one instance.
type Host struct {
	to    Writer
	least Level
}

// New makes a host, which drops messages below a level.
func New(to Writer, least Level) *Host { return &Host{to, least} }

// Reset does nothing: guests leave nothing here.
func (h *Host) Reset() {}

// Close does nothing.
func (h *Host) Close() error { return nil }

// Interfaces are those of both versions of the package wasi:logging.
func (h *Host) Interfaces() []*wit.Interface {
	version := func(name string) *wit.Interface {
		return wit.Later(name, func() *wit.Interface { return h.logging(name) })
	}
	return []*wit.Interface{version("wasi:logging/logging@0.1.0-draft"), version("wasi:logging/logging")}
}

// logging is the interface wasi:logging/logging.
func (h *Host) logging(name string) *wit.Interface {
	return wit.NewInterface(name,
		wit.Named("level", levelType),
		// log: func(level: level, context: string, message: string)
		wit.Func3("log", wit.Param("level", levelType), wit.Param("context", wit.String), wit.Param("message", wit.String), wit.None,
			func(_ *wit.Call, l Level, context, message string) (none struct{}, err error) {
				if l >= h.least {
					// A log that nobody reads any more stops no guest.
					_ = h.to.Write(line(l, context, message))
				}
				return none, nil
			}),
	)
}

// line is a message as a line. What follows a line break in it is indented: it is not to look like a message of its own.
func line(l Level, context, message string) []byte {
	b := make([]byte, 0, len("CRITICAL : \n")+len(context)+len(message))
	b = append(b, strings.ToUpper(l.String())...)
	if context != "" {
		b = append(b, ' ')
		b = append(b, context...)
		b = append(b, ':')
	}
	b = append(b, ' ')
	b = append(b, strings.TrimRight(message, "\n")...)
	return append([]byte(strings.ReplaceAll(string(b), "\n", "\n    ")), '\n')
}
