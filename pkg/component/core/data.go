package core

import "wasmgo/pkg/component/wire"

const sectionData = 11

// DataSize is how many bytes the data section of a module takes. The module must be one that Decode accepts.
func DataSize(module []byte) (size int) {
	r := wire.NewReader(module[len(Preamble):], len(Preamble))
	for r.Len() > 0 {
		id := r.Byte()
		if body := r.Bytes(int(r.U32())); id == sectionData {
			size += len(body)
		}
	}
	return size
}
