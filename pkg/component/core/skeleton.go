package core

import (
	"encoding/binary"

	"wasmgo/pkg/component/wire"
)

// Skeleton is a module without what [Decode] does not look at: code, data, elements, custom sections. What remains has the same imports
// and exports and is no valid module. The module must be one that Decode accepts.
func Skeleton(module []byte) []byte {
	r := wire.NewReader(module, 0)
	out := append([]byte(nil), r.Bytes(len(Preamble))...)
	for r.Len() > 0 {
		id := r.Byte()
		body := r.Bytes(int(r.U32()))
		switch id {
		case sectionType, sectionImport, sectionFunc, sectionTable, sectionMemory, sectionGlobal, sectionExport, sectionTag:
			out = append(out, id)
			out = binary.AppendUvarint(out, uint64(len(body)))
			out = append(out, body...)
		}
	}
	return out
}
