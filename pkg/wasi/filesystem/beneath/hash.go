package beneath

import "golang.org/x/sys/unix"

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

// hashOf is made of what tells a file and its states apart. There is no secret in it, so that guests can keep it for their next run; that
// the hash is hard to run backwards is enough for inode and device numbers, which WASI does not show.
func hashOf(st *unix.Stat_t) Hash {
	lower, upper := siphash(hashKey, []uint64{
		st.Dev, st.Ino, uint64(st.Mode), uint64(st.Size),
		uint64(st.Mtim.Sec), uint64(st.Mtim.Nsec), uint64(st.Ctim.Sec), uint64(st.Ctim.Nsec),
	})
	return Hash{lower, upper}
}
