package handover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ComponentName is the file in the directory CodeFD that holds a component's skeleton: all of it but the code of its core modules.
const ComponentName = "component"

// CoreName is the file in the directory CodeFD that holds the compiled form of the i-th core module of a component, in the order of
// the component's file, those of nested components too.
func CoreName(i int) string { return "core-" + strconv.Itoa(i) }

// SplitMagic begins what a worker in mode compile writes for a component. Machine code begins otherwise.
const SplitMagic = "\x00wasmgo\x02"

// MaxParts is the most parts a Split can have: a component has at most 1,000 core modules.
const MaxParts = 1001

// Needs is what a component needs that others do not.
type Needs uint8

const (
	// NeedsHTTP is a component that imports wasi:http: it takes the runner that has it.
	NeedsHTTP Needs = 1 << iota
	// NeedsServer is a component that exports wasi:http/incoming-handler. Its core modules are compiled so that they can be interrupted.
	NeedsServer
	// NeedsKeyvalue is a component that imports wasi:keyvalue, whose buckets may be on a server: it takes the runner that has HTTP, and a
	// client of Redis with it.
	NeedsKeyvalue
	// NeedsSlots is a component for NeedsServer with little data: its core modules are compiled so that their memories can lie in slots.
	NeedsSlots
	// NeedsClient is a component for NeedsHTTP that makes requests: it imports wasi:http/outgoing-handler.
	NeedsClient

	needsAll = NeedsHTTP | NeedsServer | NeedsKeyvalue | NeedsSlots | NeedsClient
)

// Valid reports whether there is nothing in n that is not known.
func (n Needs) Valid() bool { return n&^needsAll == 0 }

// Split is what a worker in mode compile makes of a component, so that the shim can have its core modules compiled one by one without
// looking into it:
//
//	SplitMagic          8 bytes
//	what it needs       1 byte: a Needs
//	number of parts     4 bytes, big endian
//	size of each part   8 bytes each
//	the parts           the skeleton, then each core module as it lies in the component
type Split struct {
	Needs    Needs
	Skeleton *io.SectionReader
	Modules  []*io.SectionReader
}

var errSplit = errors.New("what the worker wrote is not a component in parts")

// WriteSplit writes a component in parts.
func WriteSplit(w io.Writer, needs Needs, skeleton []byte, modules [][]byte) error {
	parts := append([][]byte{skeleton}, modules...)
	if len(parts) > MaxParts {
		return fmt.Errorf("a component of %d parts, limit %d: %w", len(parts), MaxParts, errTooLarge)
	}
	head := binary.BigEndian.AppendUint32(append([]byte(SplitMagic), byte(needs)), uint32(len(parts)))
	for _, p := range parts {
		head = binary.BigEndian.AppendUint64(head, uint64(len(p)))
	}
	for _, b := range append([][]byte{head}, parts...) {
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("write the parts of a component: %w", err)
		}
	}
	return nil
}

// ReadSplit finds the parts in the size bytes of f, which is believed in nothing.
func ReadSplit(f io.ReaderAt, size int64) (*Split, error) {
	const fixed = len(SplitMagic) + 1 + 4
	var head [fixed]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errSplit, err)
	}
	needs := Needs(head[len(SplitMagic)])
	n := binary.BigEndian.Uint32(head[len(SplitMagic)+1:])
	if string(head[:len(SplitMagic)]) != SplitMagic || !needs.Valid() || n == 0 || n > MaxParts {
		return nil, fmt.Errorf("%w: it begins with %x", errSplit, head)
	}
	sizes := make([]byte, 8*n)
	if _, err := f.ReadAt(sizes, int64(fixed)); err != nil {
		return nil, fmt.Errorf("%w: %w", errSplit, err)
	}
	at := int64(fixed + len(sizes))
	parts := make([]*io.SectionReader, n)
	for i := range parts {
		part := binary.BigEndian.Uint64(sizes[8*i:])
		if part > uint64(size-at) {
			return nil, fmt.Errorf("%w: part %d of %d bytes is cut off", errSplit, i, part)
		}
		parts[i] = io.NewSectionReader(f, at, int64(part))
		at += int64(part)
	}
	if at != size {
		return nil, fmt.Errorf("%w: %d bytes follow", errSplit, size-at)
	}
	return &Split{Needs: needs, Skeleton: parts[0], Modules: parts[1:]}, nil
}
