package programs

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// names are the programs, by their paths below the directory, in the order in which an archive has them.
var names = [...]string{"shim", "wasmgo", "runner/runner", "runner/pause", "http/runner", "toolbox.wasm"}

// magic is how an archive begins. Its last byte counts the formats there have been.
const magic = "wasmgo\x00\x01"

const (
	entrySize = 8 + 8 + sha256.Size
	labelSize = len(magic) + len(names)*entrySize + 8
)

// maxProgram bounds the size of a program in bytes, packed or not, so that a damaged label cannot fill the disk.
const maxProgram = 1 << 30

var errNoLabel = errors.New("not an archive of programs; make one with `go run ./pkg/programs/pack DIR ARCHIVE`")

// label says what an archive unpacks to.
type label [len(names)]entry

type entry struct {
	size, packed int64 // in bytes
	digest       [sha256.Size]byte
}

// append appends the label as it begins an archive: the entries, and their total of packed bytes, which tells a cut archive.
func (l *label) append(b []byte) []byte {
	b = append(b, magic...)
	var total int64
	for _, e := range l {
		b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.packed))
		b = append(b, e.digest[:]...)
		total += e.packed
	}
	return binary.LittleEndian.AppendUint64(b, uint64(total))
}

// name is the name of the directory: the SHA-256 of the label, in hexadecimal.
func (l *label) name() string {
	digest := sha256.Sum256(l.append(nil))
	return hex.EncodeToString(digest[:])
}

// readLabel reads what append appended and nothing after it.
func readLabel(r io.Reader) (*label, error) {
	var b [labelSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoLabel, err)
	}
	if string(b[:len(magic)]) != magic {
		return nil, errNoLabel
	}
	var l label
	at := b[len(magic):]
	for i := range l {
		l[i].size, l[i].packed = int64(binary.LittleEndian.Uint64(at)), int64(binary.LittleEndian.Uint64(at[8:]))
		copy(l[i].digest[:], at[16:])
		at = at[entrySize:]
		for _, n := range []int64{l[i].size, l[i].packed} {
			if n <= 0 || n > maxProgram {
				return nil, fmt.Errorf("%s of %d bytes: %w", names[i], n, errNoLabel)
			}
		}
	}
	if !bytes.Equal(l.append(nil), b[:]) {
		return nil, fmt.Errorf("its sizes do not add up: %w", errNoLabel)
	}
	return &l, nil
}

// Pack writes an archive of the programs that open returns the content of, given their path below the directory. The same
// programs give the same archive.
func Pack(w io.Writer, open func(name string) ([]byte, error)) error {
	var l label
	var packed bytes.Buffer
	for i, name := range names {
		body, err := open(name)
		if err != nil {
			return err
		}
		before := packed.Len()
		z, err := flate.NewWriter(&packed, flate.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		l[i] = entry{int64(len(body)), int64(packed.Len() - before), sha256.Sum256(body)}
	}
	if _, err := w.Write(l.append(nil)); err != nil {
		return err
	}
	_, err := packed.WriteTo(w)
	return err
}
