package filesystem

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/filesystem/beneath"
	wasiio "wasmgo/pkg/wasi/io"
)

// A part is what read returns: bytes of a file, and whether its end comes after them.
type part struct {
	bytes wit.Buffer
	end   bool
}

// partType is tuple<list<u8>, bool>.
var partType = wit.Tuple(
	wit.Field("0", wit.Placed, func(p *part) *wit.Buffer { return &p.bytes }),
	wit.Field("1", wit.Bool, func(p *part) *bool { return &p.end }))

// unsized is how much is read at most of what does not say how much there is.
const unsized = 64 << 10

// read is the method read: straight into the guest's memory where it is known how much there will be.
func (h *Host) read(k *wit.Call, d descriptor, length, offset uint64) (p part, err error) {
	n, err := d.Readable(length, offset)
	if err != nil || length == 0 {
		return p, err
	}
	if n == 0 {
		return h.readUnsized(k, d, int(min(length, unsized)), offset)
	}
	if p.bytes, err = k.Buffer(n); err != nil {
		return p, err
	}
	got, err := d.Read(p.bytes.Bytes, offset)
	p.bytes.Bytes = p.bytes.Bytes[:got]
	p.end = uint64(got) < min(length, beneath.MaxRead)
	return p, err
}

// readUnsized is read by way of memory of our own, mostly at the end of a file.
func (h *Host) readUnsized(k *wit.Call, d descriptor, n int, offset uint64) (p part, err error) {
	if h.scratch == nil {
		h.scratch = make([]byte, unsized)
	}
	got, err := d.Read(h.scratch[:n], offset)
	if err != nil || got == 0 {
		return part{end: true}, err
	}
	p.bytes, err = k.Buffer(got)
	copy(p.bytes.Bytes, h.scratch)
	return p, err
}

func (h *Host) input(s wasiio.InputStream, err error) (*wasiio.Input, error) {
	if err != nil {
		return nil, err
	}
	return h.io.Input(s), nil
}

func (h *Host) output(s wasiio.OutputStream, err error) (*wasiio.Output, error) {
	if err != nil {
		return nil, err
	}
	return h.io.Output(s), nil
}
