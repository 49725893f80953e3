package wasi

import (
	"errors"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/cli"
)

// wild are calls that a guest may make in any order and with any handles, and what their arguments are: h a handle, n a small number, b
// bytes, l handles, t a bool.
var wild = []struct{ call, args string }{
	{"error-to-debug-string", "h"},
	{"error-drop", "h"},
	{"pollable-ready", "h"},
	{"pollable-block", "h"},
	{"pollable-drop", "h"},
	{"poll", "l"},
	{"input-stream-read", "hn"},
	{"input-stream-blocking-read", "hn"},
	{"input-stream-skip", "hn"},
	{"input-stream-blocking-skip", "hn"},
	{"input-stream-subscribe", "h"},
	{"input-stream-drop", "h"},
	{"output-stream-check-write", "h"},
	{"output-stream-write", "hb"},
	{"output-stream-blocking-write-and-flush", "hb"},
	{"output-stream-flush", "h"},
	{"output-stream-blocking-flush", "h"},
	{"output-stream-subscribe", "h"},
	{"output-stream-write-zeroes", "hn"},
	{"output-stream-blocking-write-zeroes-and-flush", "hn"},
	{"output-stream-splice", "hhn"},
	{"output-stream-blocking-splice", "hhn"},
	{"output-stream-drop", "h"},
	{"monotonic-clock-subscribe-instant", "n"},
	{"monotonic-clock-subscribe-duration", "n"},
	{"get-insecure-random-bytes", "n"},
	{"get-random-bytes", "n"},
	{"exit", "t"},
	{"get-stdin", ""},
	{"get-stdout", ""},
	{"get-stderr", ""},
	{"get-terminal-stdin", ""},
	{"get-terminal-stdout", ""},
	{"terminal-input-drop", "h"},
	{"terminal-output-drop", "h"},
}

// bytesOf are read one by one; there are as many zeroes after them as anybody wants.
type bytesOf []byte

func (b *bytesOf) next() byte {
	if len(*b) == 0 {
		return 0
	}
	n := (*b)[0]
	*b = (*b)[1:]
	return n
}

func (b *bytesOf) argument(kind rune) abi.Value {
	switch kind {
	case 'h':
		return uint32(b.next() % 8)
	case 'n':
		return uint64(b.next())
	case 'b':
		return abi.Bytes(make([]byte, b.next()))
	case 't':
		return b.next()%2 == 1
	}
	l := abi.List{}
	for range b.next() % 4 {
		l = append(l, uint32(b.next()%8))
	}
	return l
}

// FuzzGuest lets a guest call what it likes. It can trap or exit; the host neither panics nor keeps anything after the end.
func FuzzGuest(f *testing.F) {
	f.Add([]byte{28, 29, 10, 1, 4, 3, 11, 1})              // streams, a pollable, dropped in order
	f.Add([]byte{28, 10, 1, 11, 1})                        // not in order
	f.Add([]byte{28, 29, 20, 2, 1, 200, 6, 1, 9, 22, 2})   // splice
	f.Add([]byte{24, 5, 23, 0, 5, 2, 1, 2, 2, 1})          // poll
	f.Add([]byte{28, 6, 1, 255, 6, 1, 255, 6, 1, 1, 0, 2}) // until the end, and its error
	f.Fuzz(func(t *testing.T, script []byte) {
		calls := bytesOf(script)
		out := &screen{press: press{room: 9, each: 100}, terminal: true}
		stdin := &tape{"hello", "", "you", errDisk}
		g := newGuest(t, Config{Config: cli.Config{Stdin: stdin, Stdout: out, Stderr: &press{each: 3, err: errDisk}}})
		for range 40 {
			if len(calls) == 0 {
				break
			}
			c := wild[int(calls.next())%len(wild)]
			var args []abi.Value
			for _, kind := range c.args {
				args = append(args, calls.argument(kind))
			}
			_, err := g.try(c.call, args...)
			var mistake *corewasm.Panic
			if errors.As(err, &mistake) {
				t.Fatalf("%s%v: the host panicked: %v\n%s", c.call, args, mistake.Value, mistake.Stack)
			}
			if err != nil {
				break
			}
		}
		host := g.host.io
		if err := g.host.Close(); err != nil {
			t.Error(err)
		}
		if left := host.Inputs.Len() + host.Outputs.Len() + host.Pollables.Len() + host.Errors.Len(); left > 0 {
			t.Errorf("%d resources are left", left)
		}
	})
}
