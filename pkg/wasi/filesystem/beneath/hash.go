package beneath

import (
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A Hash is WASI's metadata-hash-value: it is another one when a file was changed or replaced.
type Hash struct{ Lower, Upper uint64 }

// MetadataHash is the hash of what d is of.
func (d *Descriptor) MetadataHash() (Hash, error) {
	var st unix.Stat_t
	if err := d.fstat(&st); err != nil {
		return Hash{}, failed("fstat", ".", err)
	}
	return hashOf(&st), nil
}

// MetadataHashAt is the hash of what name leads to.
func (d *Descriptor) MetadataHashAt(follow bool, name string) (Hash, error) {
	var st unix.Stat_t
	if err := d.statAt(follow, name, &st); err != nil {
		return Hash{}, failed("stat", name, err)
	}
	return hashOf(&st), nil
}

// hashOf is made of what tells a file and its states apart. It has no secret in it, so that guests can keep it for their next run; that
// of the hash function is enough to keep inode and device numbers, which WASI does not show, from being read off it.
func hashOf(st *unix.Stat_t) Hash {
	b := make([]byte, 0, 64)
	for _, v := range [...]uint64{
		st.Dev, st.Ino, uint64(st.Mode), uint64(st.Size),
		uint64(st.Mtim.Sec), uint64(st.Mtim.Nsec), uint64(st.Ctim.Sec), uint64(st.Ctim.Nsec),
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	sum := sha256.Sum256(b)
	return Hash{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])}
}
