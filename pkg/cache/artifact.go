package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// edge is how much of the beginning and of the end of compiled code is compared at each use, in bytes. The beginning has the
// ELF header, the end the section table: code that was cut, or whose last pages were lost in a crash, differs there.
const edge = 4096

var errNotCode = errors.New("this is not compiled code")

// Offsets and sizes in a 64-bit ELF header (elf(5)).
const (
	elfHeaderSize = 64
	elfOSABI      = 7
	elfShoff      = 40
	elfShentsize  = 58
	elfShnum      = 60
)

// osABIWasmtime is EI_OSABI of the files that Wasmtime writes (wasmtime-environ, obj.rs: ELFOSABI_WASMTIME).
const osABIWasmtime = 200

// checkCode tells compiled code of size bytes, beginning with head, from anything else that a worker that went wrong may
// have written: it is a little-endian 64-bit ELF file of Wasmtime's, and whole up to the end of its section table.
func checkCode(head []byte, size int64) error {
	if len(head) < elfHeaderSize || string(head[:7]) != "\x7fELF\x02\x01\x01" || head[elfOSABI] != osABIWasmtime {
		return errNotCode
	}
	table := binary.LittleEndian.Uint64(head[elfShoff:])
	length := uint64(binary.LittleEndian.Uint16(head[elfShentsize:])) * uint64(binary.LittleEndian.Uint16(head[elfShnum:]))
	if table < elfHeaderSize || table > uint64(size) || length == 0 || length > uint64(size)-table {
		return fmt.Errorf("%w: it is cut off", errNotCode)
	}
	return nil
}

// edges returns the digest of both ends of f, which is size bytes long, and the beginning itself.
func edges(f io.ReaderAt, size int64) (sum string, head []byte, err error) {
	head = make([]byte, min(edge, size))
	tail := make([]byte, min(edge, size))
	for _, r := range []struct {
		b   []byte
		off int64
	}{{head, 0}, {tail, size - int64(len(tail))}} {
		if _, err := f.ReadAt(r.b, r.off); err != nil && !(errors.Is(err, io.EOF) && size == 0) {
			return "", nil, err
		}
	}
	h := sha256.New()
	h.Write(head)
	h.Write(tail)
	return hex.EncodeToString(h.Sum(nil)), head, nil
}

// seal makes f, which a worker has written, into the file name of an entry for good. Code says that it must be compiled code.
func seal(f *os.File, name string, code bool) (fileMeta, error) {
	info, err := f.Stat()
	if err != nil {
		return fileMeta{}, err
	}
	ends, head, err := edges(f, info.Size())
	if err != nil {
		return fileMeta{}, err
	}
	if code {
		if err := checkCode(head, info.Size()); err != nil {
			return fileMeta{}, err
		}
	}
	sum, err := digestOfFile(f)
	if err != nil {
		return fileMeta{}, err
	}
	if err := f.Chmod(0o444); err != nil {
		return fileMeta{}, err
	}
	return fileMeta{Name: name, Size: info.Size(), Edges: ends, SHA256: sum}, f.Sync()
}
