package beneath

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Flags are WASI's descriptor-flags, in its order.
type Flags uint8

// What a descriptor may be used for.
const (
	Read Flags = 1 << iota
	Write
	FileIntegritySync
	DataIntegritySync
	RequestedWriteSync
	MutateDirectory
)

// A Kind is WASI's descriptor-type, in its order.
type Kind uint8

// What a file system has.
const (
	Unknown Kind = iota
	BlockDevice
	CharacterDevice
	Directory
	FIFO
	SymbolicLink
	RegularFile
	Socket
)

func kindOf(mode uint32) Kind {
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return BlockDevice
	case unix.S_IFCHR:
		return CharacterDevice
	case unix.S_IFDIR:
		return Directory
	case unix.S_IFIFO:
		return FIFO
	case unix.S_IFLNK:
		return SymbolicLink
	case unix.S_IFREG:
		return RegularFile
	case unix.S_IFSOCK:
		return Socket
	}
	return Unknown
}

// A file is an open descriptor that a [Descriptor] and its streams share; the last of them closes it.
type file struct{ fd, users int }

func (f *file) share() *file {
	f.users++
	return f
}

func (f *file) close() error {
	if f.users--; f.users > 0 {
		return nil
	}
	return unix.Close(f.fd)
}

// A Descriptor is an open file or directory.
type Descriptor struct {
	file  *file
	kind  Kind
	flags Flags
	// mutable: nothing above was opened read-only.
	mutable bool
	// root is where absolute links lead; nil: nowhere. Only what [Preopen] has opened has one.
	root *Descriptor
	// walks: there is no openat2(2).
	walks bool
}

// Options are how a directory is given to a guest.
type Options struct {
	// ReadOnly takes all that changes something away from the directory and from everything that is opened below it.
	ReadOnly bool
	// Root makes the directory the guest's whole world: absolute links start in it, and ".." in it is itself.
	Root bool
	// LinksTo, for another directory of the same world than its root, is that root: absolute links start there. ".." still leads out.
	LinksTo *Descriptor
	// Walk does without openat2(2) also where there is one.
	Walk bool
}

// Preopen makes a descriptor of a directory that is open, with O_PATH or for reading. The descriptor closes it, also when an error is
// returned.
func Preopen(fd int, o Options) (*Descriptor, error) {
	d := &Descriptor{
		file: &file{fd, 1}, flags: Read, mutable: !o.ReadOnly,
		walks: o.Walk || !hasOpenat2(fd),
	}
	kind, err := kindOfFD(fd)
	if err == nil && kind != Directory {
		err = unix.ENOTDIR
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("preopen descriptor %d: %w", fd, err)
	}
	d.kind = kind
	switch {
	case o.Root:
		d.root = d
	case o.LinksTo != nil:
		d.root = o.LinksTo
	}
	return d, nil
}

func kindOfFD(fd int) (Kind, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstat(fd, &st) })
	return kindOf(st.Mode), err
}

// Share is d once more: both are to be closed.
func (d *Descriptor) Share() *Descriptor {
	again := *d
	again.file = d.file.share()
	if d.root == d {
		again.root = &again
	}
	return &again
}

// Close closes the descriptor. Its streams stay open.
func (d *Descriptor) Close() error { return d.file.close() }

// Kind is what the descriptor is of.
func (d *Descriptor) Kind() Kind { return d.kind }

// Flags are what the descriptor may be used for.
func (d *Descriptor) Flags() Flags {
	if d.kind == Directory && d.mutable {
		return d.flags | MutateDirectory
	}
	return d.flags
}

// searchable refuses paths from what is no directory.
func (d *Descriptor) searchable() error {
	if d.kind != Directory {
		return unix.ENOTDIR
	}
	return nil
}

// changeable refuses to change anything that came out of a read-only directory, with the error that WIT asks for.
func (d *Descriptor) changeable() error {
	if !d.mutable {
		return unix.EROFS
	}
	return nil
}
