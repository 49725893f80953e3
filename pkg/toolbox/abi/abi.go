package abi

import (
	"encoding/binary"
	"errors"
)

// Module and Function name the import.
const (
	Module   = "wasmgo_toolbox"
	Function = "call"
)

// Op is what is asked.
type Op uint32

// The operations, with what they are asked and what they answer.
const (
	OpStat        Op = iota // path, follow: Stat
	OpStatFS                // path: StatFS
	OpIdentity              // : uid, gid, number of groups, groups
	OpProcesses             // : number, Process each
	OpKill                  // pid, signal:
	OpLookup                // name: number, addresses as text
	OpDial                  // network (Network), address and port as text: descriptor
	OpListen                // network, address and port: descriptor
	OpAccept                // descriptor: descriptor, the peer's address as text; errno again if nobody is there yet
	OpDialed                // descriptor: whether a connection that was begun stands; errno again, or why not
	OpHalfClose             // descriptor: no more is sent
	OpInterrupts            // : descriptor that is readable after SIGINT, which no longer ends the process
	OpInterrupted           // : 1 if there was a SIGINT of which the descriptor has not told; it will not any more
	OpHostname              // : name
	OpTerminal              // descriptor: columns, rows; errno notty if it is no terminal
)

// Network is a kind of socket.
type Network uint64

// The kinds there are.
const (
	TCP Network = iota
	UDP
)

// Stat is struct stat (stat(2)); times are nanoseconds since 1970.
type Stat struct {
	Dev, Ino, Mode, Links, UID, GID, Rdev, Size, BlockSize, Blocks uint64
	Accessed, Modified, Changed                                    uint64
}

func (s *Stat) fields() []*uint64 {
	return []*uint64{
		&s.Dev, &s.Ino, &s.Mode, &s.Links, &s.UID, &s.GID, &s.Rdev, &s.Size, &s.BlockSize, &s.Blocks,
		&s.Accessed, &s.Modified, &s.Changed,
	}
}

// Append appends s to a message.
func (s *Stat) Append(m Message) Message {
	for _, f := range s.fields() {
		m = m.Uint(*f)
	}
	return m
}

// Read reads what Append appended.
func (s *Stat) Read(r *Reader) {
	for _, f := range s.fields() {
		*f = r.Uint()
	}
}

// StatFS is struct statfs (statfs(2)): blocks of BlockSize bytes.
type StatFS struct {
	Type, BlockSize, Blocks, Free, Available, Files, FilesFree uint64
}

func (s *StatFS) fields() []*uint64 {
	return []*uint64{&s.Type, &s.BlockSize, &s.Blocks, &s.Free, &s.Available, &s.Files, &s.FilesFree}
}

// Append appends s to a message.
func (s *StatFS) Append(m Message) Message {
	for _, f := range s.fields() {
		m = m.Uint(*f)
	}
	return m
}

// Read reads what Append appended.
func (s *StatFS) Read(r *Reader) {
	for _, f := range s.fields() {
		*f = r.Uint()
	}
}

// Process is one process of the container.
type Process struct {
	PID     uint64
	CPU     uint64 // processor time, nanoseconds
	Command string // its arguments; "" if that is not known
}

// Append appends p to a message.
func (p *Process) Append(m Message) Message { return m.Uint(p.PID).Uint(p.CPU).String(p.Command) }

// Read reads what Append appended.
func (p *Process) Read(r *Reader) { p.PID, p.CPU, p.Command = r.Uint(), r.Uint(), r.String() }

// A Message is a question or an answer that is being written.
type Message []byte

// Uint appends a number.
func (m Message) Uint(v uint64) Message { return binary.LittleEndian.AppendUint64(m, v) }

// String appends a string.
func (m Message) String(s string) Message { return append(m.Uint(uint64(len(s))), s...) }

// ErrMessage is a message that ends too early.
var ErrMessage = errors.New("message is cut short")

// A Reader reads a message. After the first error it reads zeros.
type Reader struct {
	rest []byte
	err  error
}

// NewReader reads m.
func NewReader(m []byte) *Reader { return &Reader{rest: m} }

// Err is why something could not be read.
func (r *Reader) Err() error { return r.err }

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	const size = 8
	if len(r.rest) < size {
		r.rest, r.err = nil, ErrMessage
		return 0
	}
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[size:]
	return v
}

// String reads a string.
func (r *Reader) String() string {
	n := r.Uint()
	if n > uint64(len(r.rest)) {
		r.rest, r.err = nil, ErrMessage
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

// Count reads how many things of at least size bytes follow; none if the rest of the message is too short for them.
func (r *Reader) Count(size int) int {
	n := r.Uint()
	if n > uint64(len(r.rest)/size) {
		r.rest, r.err = nil, ErrMessage
		return 0
	}
	return int(n)
}
