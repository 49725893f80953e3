package preview1

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/wasi/filesystem/beneath"
)

// place is a path below a directory of the guest's.
type place struct {
	dir  *beneath.Descriptor
	name string
}

// place reads a directory and a path.
func (h *Host) place(n, at, length uint32) (*place, Errno) {
	d := h.descriptors[n]
	name, ok := h.text(at, length)
	switch {
	case d == nil:
		return nil, badf
	case d.kind != directory:
		return nil, notDir
	case !ok:
		return nil, fault
	}
	return &place{d.dir, name}, Success
}

// at does something to a path.
func (h *Host) at(n, at, length uint32, do func(p *place) error) Errno {
	p, e := h.place(n, at, length)
	if e != Success {
		return e
	}
	return told(do(p))
}

// between does something to two paths.
func (h *Host) between(n, at, length, n2, at2, length2 uint32, do func(from, to *place) error) Errno {
	from, e := h.place(n, at, length)
	if e != Success {
		return e
	}
	to, e := h.place(n2, at2, length2)
	if e != Success {
		return e
	}
	return told(do(from, to))
}

// errnoError is an Errno on the way out.
type errnoError Errno

func (errnoError) Error() string { return "errno of WASI" }

func told(err error) Errno {
	var e errnoError
	if errors.As(err, &e) {
		return Errno(e)
	}
	return ErrnoOf(err)
}

func failed(e Errno) error {
	if e == Success {
		return nil
	}
	return errnoError(e)
}

// follows reports whether lookup flags ask for the link at the end to be followed.
func follows(lookup uint32) bool { return lookup&1 != 0 }

func (p *place) createDirectory() error { return p.dir.CreateDirectoryAt(p.name) }

func (p *place) filestat(h *Host, lookup, at uint32) error {
	var st unix.Stat_t
	if err := p.dir.StatInto(&st, follows(lookup), p.name); err != nil {
		return err
	}
	return failed(h.putStat(at, &st))
}

// setTimes is path_filestat_set_times; the flags are atim, atim_now, mtim, mtim_now.
func (p *place) setTimes(lookup uint32, accessed, modified uint64, flags uint32) error {
	change := func(t uint64, set, now bool) beneath.NewTime {
		const second = 1e9
		switch {
		case now:
			return beneath.NewTime{Change: beneath.SetNow}
		case set:
			return beneath.NewTime{Change: beneath.SetTime, Seconds: t / second, Nanoseconds: uint32(t % second)}
		}
		return beneath.NewTime{Change: beneath.KeepTime}
	}
	return p.dir.SetTimesAt(follows(lookup), p.name, change(accessed, flags&1 != 0, flags&2 != 0), change(modified, flags&4 != 0, flags&8 != 0))
}

// Rights that say how a file is to be opened.
const (
	rightRead  = 1 << 1
	rightWrite = 1 << 6
)

// open is path_open. Its oflags are those of WASI 0.2 in the same order but for exclusive and truncate, which are as well.
func (p *place) open(h *Host, lookup, oflags uint32, rights uint64, fdflags, at uint32) error {
	const oflagDirectory = 2
	var flags beneath.Flags
	if rights&rightRead != 0 {
		flags |= beneath.Read
	}
	if rights&rightWrite != 0 && oflags&oflagDirectory == 0 {
		flags |= beneath.Write
	}
	d, err := p.dir.OpenAt(follows(lookup), p.name, beneath.OpenFlags(oflags), flags)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	err = unix.Fstat(d.FD(), &st)
	if err == nil && fdflags&flagAppend != 0 {
		err = setAppend(d.FD(), true)
	}
	if err != nil {
		return errors.Join(err, d.Close())
	}
	n := h.add(&descriptor{fd: d.FD(), kind: kindOf(st.Mode), flags: fdflags & (flagAppend | flagNonblock), dir: d})
	return failed(h.put32(at, n))
}

func (p *place) readlink(h *Host, at, length, used uint32) error {
	to, err := p.dir.ReadlinkAt(p.name)
	if err != nil {
		return err
	}
	b, ok := h.Bytes(at, length)
	if !ok {
		return failed(fault)
	}
	return failed(h.put32(used, uint32(copy(b, to))))
}

// symlink makes a link; no absolute one, as for any guest.
func (p *place) symlink(to string) error { return p.dir.SymlinkAt(to, p.name) }

// Stat is what the kernel knows of a path from "/".
func (h *Host) Stat(st *unix.Stat_t, follow bool, name string) error {
	return h.root.StatInto(st, follow, fromRoot(name))
}

// StatFS is what is known of the file system a path is on.
func (h *Host) StatFS(st *unix.Statfs_t, name string) (err error) {
	d, err := h.root.OpenAt(true, fromRoot(name), 0, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return unix.Fstatfs(d.FD(), st)
}

func fromRoot(name string) string {
	if name = strings.TrimLeft(name, "/"); name == "" {
		return "."
	}
	return name
}
