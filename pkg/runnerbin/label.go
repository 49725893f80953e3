package runnerbin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// skippable is the first of the magic numbers of a zstd skippable frame (RFC 8878, section 3.1.2). A decoder passes over
// such a frame, so the payload stays a plain .zst file for every other tool.
const skippable = 0x184D2A50

const (
	labelSize   = 8 + sha256.Size
	labelOffset = 8 // magic and frame size come before
)

// maxRunner bounds the size of a runner, in bytes, so that a damaged label cannot fill the disk.
const maxRunner = 1 << 30

var errNoLabel = errors.New("no label at its beginning; pack it with `go run ./pkg/runnerbin/pack RUNNER`")

// Label says what a payload unpacks to.
type Label struct {
	Size   int64 // of the runner, in bytes
	Digest [sha256.Size]byte
}

// Name is the name of the runner's directory: its SHA-256 in hexadecimal.
func (l Label) Name() string { return hex.EncodeToString(l.Digest[:]) }

// WriteLabel writes l as a zstd skippable frame, which is how a payload begins.
func WriteLabel(w io.Writer, l Label) error {
	b := binary.LittleEndian.AppendUint32(nil, skippable)
	b = binary.LittleEndian.AppendUint32(b, labelSize)
	b = binary.LittleEndian.AppendUint64(b, uint64(l.Size))
	b = append(b, l.Digest[:]...)
	_, err := w.Write(b)
	return err
}

// ReadLabel reads what WriteLabel wrote and nothing after it.
func ReadLabel(r io.Reader) (Label, error) {
	var b [labelOffset + labelSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Label{}, fmt.Errorf("%w: %w", errNoLabel, err)
	}
	head := binary.LittleEndian.AppendUint32(nil, skippable)
	head = binary.LittleEndian.AppendUint32(head, labelSize)
	if !bytes.Equal(b[:labelOffset], head) {
		return Label{}, errNoLabel
	}
	l := Label{Size: int64(binary.LittleEndian.Uint64(b[labelOffset:]))}
	copy(l.Digest[:], b[labelOffset+8:])
	if l.Size <= 0 || l.Size > maxRunner {
		return Label{}, fmt.Errorf("size %d in the label: %w", l.Size, errNoLabel)
	}
	return l, nil
}
