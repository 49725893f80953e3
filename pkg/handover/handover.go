package handover

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Descriptors of a new runner. See the package comment.
const (
	SocketFD = 3
	CodeFD   = 4
)

// CodeName is the file in the directory CodeFD that holds the compiled module.
const CodeName = "code"

// MaxMessage bounds one message in bytes. Arguments and environment come from config.json, which has no limit of its own;
// 64 MiB leaves room for 10 MB of them after JSON has escaped every byte.
const MaxMessage = 64 << 20

// Exit codes of a container whose module never ran, as a POSIX shell and docker give them.
const (
	CodeNotRunnable = 126 // found, but not something this runtime can run
	CodeNotFound    = 127 // no such file
	CodeTrap        = 134 // 128+SIGABRT: the guest trapped
)

// Guest is what the runner is told about the program it will run.
type Guest struct {
	// Module is the path of the module as the container sees it; it names the module in messages.
	Module string
	// Args are the guest's arguments, the first of them its name.
	Args []string
	// Env are the guest's variables, each NAME=value.
	Env []string
	// Cwd is the guest's initial working directory, absolute; it exists.
	Cwd string
	// Export is the function to call; "" is the command entry point _start.
	Export string
	// MemoryLimit is the container's memory limit in bytes, 0 for none. The runner keeps what it needs itself and lets
	// the guest's memory grow to the rest.
	MemoryLimit int64
	// Deny is what the guest may not have of the network that its namespace has. It binds components; modules of WASI 0.1 make no
	// sockets.
	Deny Deny
	// Needs is what the component needs of its runner.
	Needs Needs `json:",omitempty"`
	// HTTP is how a component is served that serves HTTP.
	HTTP HTTP
	// Config is what the operator has set of a component's configuration (wasi:config), besides its variables.
	Config map[string]string `json:",omitempty"`
	// Keyvalue is where a component has its buckets (wasi:keyvalue).
	Keyvalue Keyvalue
	// LoggingLevel is the least of what a component logs (wasi:logging) that is written: "trace" to "critical", or "" for all.
	LoggingLevel string `json:",omitempty"`
	// WithCertificates says that the file Certificates follows. SendGuest sets it.
	WithCertificates bool `json:",omitempty"`
	// Certificates is the host's bundle of them, to read only; nil if the guest has no use for one or there is none. See SendGuest.
	Certificates *os.File `json:"-"`
	// Seccomp are BPF programs, each an array of struct sock_filter in the machine's byte order (seccomp(2)), installed
	// in this order before the module is loaded.
	Seccomp [][]byte
	// Toolbox, if set, says that the code is that of the toolbox, which comes with the runner and is given more than WASI.
	Toolbox *Toolbox `json:",omitempty"`
	// Refusal, if set, is all the runner does once begun; there is no module then.
	Refusal *Refusal
}

// Deny is parts of the network.
type Deny struct {
	TCP bool `json:",omitempty"` // no TCP sockets
	UDP bool `json:",omitempty"` // no UDP sockets
	DNS bool `json:",omitempty"` // no name lookups
}

// Refusal says why a module does not run.
type Refusal struct {
	// Code is the container's exit code, CodeNotRunnable or CodeNotFound.
	Code int
	// Message names the module, the reason and what would help. It has no newline at its end.
	Message string
}

// Error makes a Refusal usable as an error on the way to the runner.
func (r *Refusal) Error() string { return r.Message }

// Ready is the runner's answer: the guest is loaded, or is known to be refused when begun.
type Ready struct {
	// Refusal repeats or adds the reason why the guest will not run, for the shim's log.
	Refusal *Refusal
	// Failure, if not empty, is why the runner cannot go on; it ends then, and Create fails with this text.
	Failure string
}

// begin is the byte that lets the guest run.
const begin = 'b'

var errTooLarge = errors.New("message too large")

// Send writes one message: its length in four bytes, big endian, and its JSON.
func Send(w io.Writer, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode %T: %w", message, err)
	}
	if len(body) > MaxMessage {
		return fmt.Errorf("%T of %d bytes, limit %d: %w", message, len(body), MaxMessage, errTooLarge)
	}
	buf := make([]byte, 4+len(body))
	binary.BigEndian.PutUint32(buf, uint32(len(body)))
	copy(buf[4:], body)
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("send %T: %w", message, err)
	}
	return nil
}

// Receive reads one message into the value message points to. The other end closing before a message began is io.EOF,
// in the middle of one io.ErrUnexpectedEOF.
func Receive(r io.Reader, message any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("receive %T: %w", message, err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxMessage {
		return fmt.Errorf("%T of %d bytes, limit %d: %w", message, n, MaxMessage, errTooLarge)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("receive %T: %w", message, err)
	}
	if err := json.Unmarshal(body, message); err != nil {
		return fmt.Errorf("decode %T: %w", message, err)
	}
	return nil
}

// Begin lets the guest run.
func Begin(w io.Writer) error {
	if _, err := w.Write([]byte{begin}); err != nil {
		return fmt.Errorf("send begin: %w", err)
	}
	return nil
}

// AwaitBegin blocks until the shim says Begin. The shim going away first is io.EOF.
func AwaitBegin(r io.Reader) error {
	var b [1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return fmt.Errorf("await begin: %w", err)
	}
	if b[0] != begin {
		return fmt.Errorf("await begin: byte %#x", b[0])
	}
	return nil
}
