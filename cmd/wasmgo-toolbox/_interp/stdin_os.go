// This takes the place of a file of mvdan.cc/sh/v3/interp when the toolbox is built for WASI (scripts/toolbox): WASI 0.1 makes no pipes, and
// with no subprocesses to inherit them none of the kernel's are needed.

package interp

import (
	"io"
	"time"
)

// stdinFile is what a shell reads from: a file, or the end of a pipe.
type stdinFile interface {
	io.ReadCloser
	SetReadDeadline(t time.Time) error
}

// plain is a reader without deadlines: its other end is in the same shell, and ends with what it runs.
type plain struct{ io.Reader }

func (p plain) Close() error {
	if c, ok := p.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (plain) SetReadDeadline(time.Time) error { return nil }

func newPipe() (stdinFile, *io.PipeWriter, error) {
	r, w := io.Pipe()
	return plain{r}, w, nil
}

func newStdinFile(r io.Reader) (stdinFile, error) {
	switch r := r.(type) {
	case nil:
		return nil, nil
	case stdinFile:
		return r, nil
	default:
		return plain{r}, nil
	}
}

// stdinTerminal is for `read -s`; WASI cannot turn a terminal's echo off.
func stdinTerminal(stdinFile) (int, bool) { return -1, false }
