package beneath

import (
	"errors"

	"golang.org/x/sys/unix"
)

// OpenFlags are WASI's open-flags, in its order.
type OpenFlags uint8

// How to open.
const (
	Create OpenFlags = 1 << iota
	OnlyDirectory
	Exclusive
	Truncate
)

// OpenAt opens what name leads to. Where flags have neither Read nor Write it is opened for reading if that is allowed, else only to be
// asked about and, if a directory, to start paths from: so have it the guests that are made of WASI 0.1, which know no such flags.
//
// What is opened may be changed as far as d may: a descriptor does not have to ask for MutateDirectory. No guest that comes from a libc
// does so where it only opens a directory to unlink in it (POSIX knows no such thing), and it would not be told why it cannot.
func (d *Descriptor) OpenAt(follow bool, name string, open OpenFlags, flags Flags) (*Descriptor, error) {
	fd, err := d.openAt(follow, name, open, flags)
	if err != nil {
		return nil, failed("open", name, err)
	}
	kind, err := kindOfFD(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, failed("fstat", name, err)
	}
	if flags&Write == 0 {
		flags |= Read
	}
	return &Descriptor{
		file: &file{fd, 1}, kind: kind, flags: flags &^ MutateDirectory, mutable: d.mutable, walks: d.walks,
	}, nil
}

func (d *Descriptor) openAt(follow bool, name string, open OpenFlags, flags Flags) (int, error) {
	if err := d.searchable(); err != nil {
		return -1, err
	}
	if err := check(name); err != nil {
		return -1, err
	}
	if open&Create != 0 && open&OnlyDirectory != 0 {
		return -1, unix.EINVAL // before Linux 6.4 the kernel made a file
	}
	if flags&(Write|MutateDirectory) != 0 || open&(Create|Truncate) != 0 {
		if err := d.changeable(); err != nil {
			return -1, err
		}
	}
	how, mode := kernelFlags(follow, open, flags), uint32(0)
	if open&Create != 0 {
		mode = 0o666
	}
	fd, err := d.lookup(name, how, mode)
	if errors.Is(err, unix.EACCES) && flags&(Read|Write) == 0 && open&(Create|Truncate) == 0 {
		return d.lookup(name, unix.O_PATH|how&(unix.O_NOFOLLOW|unix.O_DIRECTORY), 0)
	}
	return fd, err
}

// kernelFlags are the flags of openat(2). O_NONBLOCK keeps a FIFO or a device from holding the guest up, and O_NOCTTY a terminal from
// becoming that of the process.
func kernelFlags(follow bool, open OpenFlags, flags Flags) int {
	how := unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	switch flags & (Read | Write) {
	case Read | Write:
		how |= unix.O_RDWR
	case Write:
		how |= unix.O_WRONLY
	}
	for _, f := range []struct {
		asked bool
		flag  int
	}{
		{!follow, unix.O_NOFOLLOW},
		{open&Create != 0, unix.O_CREAT},
		{open&(Create|Exclusive) == Create|Exclusive, unix.O_EXCL},
		{open&OnlyDirectory != 0, unix.O_DIRECTORY},
		{open&Truncate != 0, unix.O_TRUNC},
		{flags&FileIntegritySync != 0, unix.O_SYNC},
		{flags&DataIntegritySync != 0, unix.O_DSYNC},
		{flags&RequestedWriteSync != 0, unix.O_RSYNC},
	} {
		if f.asked {
			how |= f.flag
		}
	}
	return how
}
