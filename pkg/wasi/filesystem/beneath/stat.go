package beneath

import (
	"time"

	"golang.org/x/sys/unix"
)

// A Stat is what is known of a file or directory.
type Stat struct {
	Kind  Kind
	Links uint64
	Size  uint64 // bytes; of a link, the length of what it says
	// Accessed, Modified and Changed are when the data was last read or written, and when anything else was changed.
	Accessed, Modified, Changed time.Time
}

func statOf(st *unix.Stat_t) Stat {
	return Stat{
		Kind: kindOf(st.Mode), Links: uint64(st.Nlink), Size: uint64(st.Size),
		Accessed: timeOf(st.Atim), Modified: timeOf(st.Mtim), Changed: timeOf(st.Ctim),
	}
}

func timeOf(t unix.Timespec) time.Time { return time.Unix(t.Sec, t.Nsec) }

// Stat is what is known of what d is of.
func (d *Descriptor) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := d.fstat(&st); err != nil {
		return Stat{}, failed("fstat", ".", err)
	}
	return statOf(&st), nil
}

// StatAt is what is known of what name leads to.
func (d *Descriptor) StatAt(follow bool, name string) (Stat, error) {
	var st unix.Stat_t
	if err := d.statAt(follow, name, &st); err != nil {
		return Stat{}, failed("stat", name, err)
	}
	return statOf(&st), nil
}

func (d *Descriptor) fstat(st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstat(d.file.fd, st) })
}

func (d *Descriptor) statAt(follow bool, name string, st *unix.Stat_t) error {
	if err := d.searchable(); err != nil {
		return err
	}
	if err := check(name); err != nil {
		return err
	}
	if single(name) {
		err := fstatat(d.file.fd, name, st)
		if err != nil || !follow || st.Mode&unix.S_IFMT != unix.S_IFLNK {
			return err
		}
	}
	flags := unix.O_PATH
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := d.lookup(name, flags, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return retry(func() error { return unix.Fstat(fd, st) })
}

// IsSameObject reports whether both are of the same file or directory.
func (d *Descriptor) IsSameObject(o *Descriptor) bool {
	a, err := identityOf(d.file.fd)
	if err != nil {
		return false
	}
	b, err := identityOf(o.file.fd)
	return err == nil && a == b
}

// StatInto is StatAt with all that the kernel says, for who needs more than WASI knows.
func (d *Descriptor) StatInto(st *unix.Stat_t, follow bool, name string) error {
	return failed("stat", name, d.statAt(follow, name, st))
}

// FD is the kernel's descriptor, which d keeps. Nothing leads from it but what [Descriptor.OpenAt] would give: it is for system calls that take
// no path.
func (d *Descriptor) FD() int { return d.file.fd }
