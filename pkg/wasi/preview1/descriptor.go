package preview1

import (
	"encoding/binary"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/wasi/filesystem/beneath"
)

// filetype is WASI's.
type filetype uint8

const (
	unknown filetype = iota
	blockDevice
	characterDevice
	directory
	regularFile
	socketDatagram
	socketStream
	symbolicLink
)

// Flags of a descriptor (fdflags).
const (
	flagAppend   = 1
	flagNonblock = 4
)

// descriptor is what a number of the guest's stands for.
type descriptor struct {
	fd       int
	kind     filetype
	flags    uint32
	standard bool                // a stream that others share: nothing of it may be changed, and it is not closed
	dir      *beneath.Descriptor // of a directory, and the file's own of a file that was opened by a path
	preopen  string              // what a preopened directory is called
	listing  []beneath.Entry     // of the directory, while it is read
}

// standard is a stream of the process's own.
func standard(fd int) (*descriptor, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	return &descriptor{fd: fd, kind: kindOf(st.Mode), standard: true}, nil
}

func kindOf(mode uint32) filetype {
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return blockDevice
	case unix.S_IFCHR:
		return characterDevice
	case unix.S_IFDIR:
		return directory
	case unix.S_IFREG:
		return regularFile
	case unix.S_IFSOCK:
		return socketStream
	case unix.S_IFLNK:
		return symbolicLink
	}
	return unknown
}

func (d *descriptor) close() error {
	switch {
	case d.standard:
		return nil
	case d.dir != nil:
		return d.dir.Close()
	}
	return unix.Close(d.fd)
}

// add gives a descriptor a number.
func (h *Host) add(d *descriptor) uint32 {
	n := h.next
	for fd := uint32(firstPreopen + 1); fd < h.next; fd++ { // the lowest that is free, as POSIX has it
		if h.descriptors[fd] == nil {
			n = fd
			break
		}
	}
	h.next = max(h.next, n+1)
	h.descriptors[n] = d
	return n
}

// Add gives the guest a descriptor that does not block, which the host closes from now on. It can be read, written and waited for.
func (h *Host) Add(fd int) uint32 {
	return h.add(&descriptor{fd: fd, kind: socketStream, flags: flagNonblock})
}

// Lookup is the kernel's descriptor of one that the guest has.
func (h *Host) Lookup(n uint32) (int, bool) {
	d := h.descriptors[n]
	if d == nil {
		return -1, false
	}
	return d.fd, true
}

func (h *Host) fdClose(n uint32) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	delete(h.descriptors, n)
	return ErrnoOf(d.close())
}

func (h *Host) fdstat(n, at uint32) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	b, ok := h.Bytes(at, 24)
	if !ok {
		return fault
	}
	clear(b)
	b[0] = byte(d.kind)
	binary.LittleEndian.PutUint16(b[2:], uint16(d.flags))
	const all = 1<<30 - 1 // rights; what may be done is the kernel's to say
	binary.LittleEndian.PutUint64(b[8:], all)
	binary.LittleEndian.PutUint64(b[16:], all)
	return Success
}

// setFlags changes how the descriptor behaves to the guest. That of the kernel never blocks, or, being a standard stream's, is not ours to change.
func (h *Host) setFlags(n, flags uint32) Errno {
	d := h.descriptors[n]
	switch {
	case d == nil:
		return badf
	case flags&^(flagAppend|flagNonblock) != 0 || d.kind == directory:
		return inval
	case (flags^d.flags)&flagAppend != 0:
		if d.standard {
			return notSup
		}
		if err := setAppend(d.fd, flags&flagAppend != 0); err != nil {
			return ErrnoOf(err)
		}
	}
	d.flags = flags
	return Success
}

func setAppend(fd int, on bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	flags &^= unix.O_APPEND
	if on {
		flags |= unix.O_APPEND
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	return err
}

func (h *Host) filestat(n, at uint32) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return ErrnoOf(err)
	}
	return h.putStat(at, &st)
}

// putStat puts a filestat into the guest's memory.
func (h *Host) putStat(at uint32, st *unix.Stat_t) Errno {
	b, ok := h.Bytes(at, 64)
	if !ok {
		return fault
	}
	for i, v := range []uint64{
		uint64(st.Dev), st.Ino, uint64(kindOf(st.Mode)), uint64(st.Nlink), uint64(st.Size),
		uint64(st.Atim.Nano()), uint64(st.Mtim.Nano()), uint64(st.Ctim.Nano()),
	} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return Success
}

func (h *Host) setSize(n uint32, size uint64) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	return ErrnoOf(unix.Ftruncate(d.fd, int64(size)))
}

func (h *Host) prestat(n, at uint32) Errno {
	d := h.descriptors[n]
	if d == nil || d.preopen == "" {
		return badf
	}
	if e := h.put32(at, 0); e != Success { // a directory, the only kind there is
		return e
	}
	return h.put32(at+4, uint32(len(d.preopen)))
}

func (h *Host) prestatName(n, at, length uint32) Errno {
	d := h.descriptors[n]
	if d == nil || d.preopen == "" {
		return badf
	}
	b, ok := h.Bytes(at, length)
	switch {
	case !ok:
		return fault
	case len(b) < len(d.preopen):
		return Overflow
	}
	copy(b, d.preopen)
	return Success
}

func (h *Host) seek(n uint32, offset int64, whence, at uint32) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	if whence > io.SeekEnd {
		return inval
	}
	to, err := unix.Seek(d.fd, offset, int(whence))
	if err != nil {
		return ErrnoOf(err)
	}
	return h.put64(at, uint64(to))
}

func (h *Host) sync(n uint32) Errno {
	d := h.descriptors[n]
	if d == nil {
		return badf
	}
	return ErrnoOf(unix.Fsync(d.fd))
}

// readdir puts as many entries as there is room for; the last may be cut. The cookie is how many came before.
func (h *Host) readdir(n, at, length uint32, cookie uint64, used uint32) Errno {
	d := h.descriptors[n]
	switch {
	case d == nil:
		return badf
	case d.kind != directory:
		return notDir
	}
	b, ok := h.Bytes(at, length)
	if !ok {
		return fault
	}
	if cookie == 0 {
		list, err := entries(d.dir)
		if err != nil {
			return ErrnoOf(err)
		}
		d.listing = list
	}
	filled := 0
	for i := cookie; i < uint64(len(d.listing)) && filled < len(b); i++ {
		e := d.listing[i]
		var head [24]byte
		binary.LittleEndian.PutUint64(head[:], i+1)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(e.Name)))
		head[20] = byte(entryKinds[e.Kind])
		filled += copy(b[filled:], head[:])
		filled += copy(b[filled:], e.Name)
	}
	return h.put32(used, uint32(filled))
}

// entryKinds are WASI 0.1's words for those of 0.2.
var entryKinds = map[beneath.Kind]filetype{
	beneath.BlockDevice: blockDevice, beneath.CharacterDevice: characterDevice, beneath.Directory: directory,
	beneath.SymbolicLink: symbolicLink, beneath.RegularFile: regularFile, beneath.Socket: socketStream,
}

// entries are those of a directory. Names that no guest can say are left out.
func entries(d *beneath.Descriptor) (list []beneath.Entry, err error) {
	r, err := d.ReadDirectory()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case errors.Is(err, unix.EILSEQ):
		case err != nil:
			return nil, err
		default:
			list = append(list, e)
		}
	}
}
