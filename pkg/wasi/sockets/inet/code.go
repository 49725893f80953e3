package inet

import (
	"errors"

	"golang.org/x/sys/unix"
)

// A Code is an error-code of wasi:sockets/network, in the order of the WIT. As an error it says nothing but itself; what the kernel says
// is an [Error].
type Code uint8

// The error codes.
const (
	Unknown Code = iota
	AccessDenied
	NotSupported
	InvalidArgument
	OutOfMemory
	Timeout
	ConcurrencyConflict
	NotInProgress
	WouldBlock
	InvalidState
	NewSocketLimit
	AddressNotBindable
	AddressInUse
	RemoteUnreachable
	ConnectionRefused
	ConnectionReset
	ConnectionAborted
	DatagramTooLarge
	NameUnresolvable
	TemporaryResolverFailure
	PermanentResolverFailure
)

// Labels are the names of the codes in WIT, in order.
var Labels = []string{
	"unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout", "concurrency-conflict", "not-in-progress",
	"would-block", "invalid-state", "new-socket-limit", "address-not-bindable", "address-in-use", "remote-unreachable",
	"connection-refused", "connection-reset", "connection-aborted", "datagram-too-large", "name-unresolvable",
	"temporary-resolver-failure", "permanent-resolver-failure",
}

func (c Code) Error() string { return Labels[c] }

// CodeOf is the code of an error of this package, wrapped or not.
func CodeOf(err error) (Code, bool) {
	var code Code
	var failure *Error
	switch {
	case errors.As(err, &failure):
		return failure.Code, true
	case errors.As(err, &code):
		return code, true
	}
	return 0, false
}

// An Error is what the kernel or the resolver has against an operation.
type Error struct {
	Op   string // the system call, or "lookup NAME"
	Code Code
	Err  error // a unix.Errno or a *net.DNSError
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap is what the kernel or the resolver said.
func (e *Error) Unwrap() error { return e.Err }

// The operations whose errors have meanings of their own.
const (
	opSocket   = "socket"
	opBind     = "bind"
	opConnect  = "connect"
	opListen   = "listen"
	opAccept   = "accept"
	opShutdown = "shutdown"
	opOption   = "socket option"
	opName     = "socket address"
	opRead     = "read"
	opWrite    = "write"
	opReceive  = "receive"
	opSend     = "send"
)

// fail makes an error out of what a system call returned. Would-block is common and no news, and stays a bare code.
func fail(op string, err error) error {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return &Error{op, Unknown, err}
	}
	code, ok := particular[op][errno]
	if !ok {
		code = general[errno] // Unknown if it is not in there
	}
	if code == WouldBlock {
		return WouldBlock
	}
	return &Error{op, code, errno}
}

// general says what errors of the kernel are called, after the "POSIX equivalent" lines of network.wit.
var general = map[unix.Errno]Code{
	unix.EACCES: AccessDenied,
	unix.EPERM:  AccessDenied,

	unix.EOPNOTSUPP:      NotSupported,
	unix.ENOPROTOOPT:     NotSupported,
	unix.EPFNOSUPPORT:    NotSupported,
	unix.EAFNOSUPPORT:    NotSupported,
	unix.EPROTONOSUPPORT: NotSupported,
	unix.ESOCKTNOSUPPORT: NotSupported,
	unix.EPROTOTYPE:      NotSupported,
	unix.ENOSYS:          NotSupported,

	unix.EINVAL:        InvalidArgument,
	unix.ENOMEM:        OutOfMemory,
	unix.ENOBUFS:       OutOfMemory,
	unix.ETIMEDOUT:     Timeout,
	unix.EALREADY:      ConcurrencyConflict,
	unix.EAGAIN:        WouldBlock,
	unix.EISCONN:       InvalidState,
	unix.ENOTCONN:      InvalidState,
	unix.EDESTADDRREQ:  InvalidState,
	unix.EMFILE:        NewSocketLimit,
	unix.ENFILE:        NewSocketLimit,
	unix.EADDRNOTAVAIL: AddressNotBindable,
	unix.EADDRINUSE:    AddressInUse,

	unix.EHOSTUNREACH: RemoteUnreachable,
	unix.EHOSTDOWN:    RemoteUnreachable,
	unix.ENETUNREACH:  RemoteUnreachable,
	unix.ENETDOWN:     RemoteUnreachable,
	unix.ENONET:       RemoteUnreachable,

	unix.ECONNREFUSED: ConnectionRefused,
	unix.ECONNRESET:   ConnectionReset,
	unix.ENETRESET:    ConnectionReset,
	unix.EPIPE:        ConnectionReset,
	unix.ECONNABORTED: ConnectionAborted,
	unix.EMSGSIZE:     DatagramTooLarge,
}

// particular says what errors mean that mean something else to one operation: the lists of "typical errors" in tcp.wit and udp.wit.
var particular = map[string]map[unix.Errno]Code{
	opBind: {
		unix.EAFNOSUPPORT: InvalidArgument,
		unix.ENODEV:       AddressNotBindable, // a scope-id that is no interface
	},
	opConnect: {
		unix.EAFNOSUPPORT:  InvalidArgument,
		unix.EADDRNOTAVAIL: AddressInUse, // so Linux says that there are no ephemeral ports
		unix.EAGAIN:        AddressInUse,
		unix.ENODEV:        RemoteUnreachable,
	},
	opListen: {
		unix.EINVAL:     InvalidState,
		unix.EOPNOTSUPP: InvalidState,
	},
	// accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code from accept()."
	opAccept: {
		unix.ECONNRESET:   ConnectionAborted,
		unix.ENETRESET:    ConnectionAborted,
		unix.EHOSTUNREACH: ConnectionAborted,
		unix.EHOSTDOWN:    ConnectionAborted,
		unix.ENETDOWN:     ConnectionAborted,
		unix.ENETUNREACH:  ConnectionAborted,
		unix.EPROTO:       ConnectionAborted,
		unix.ENOPROTOOPT:  ConnectionAborted,
		unix.ENONET:       ConnectionAborted,
		unix.EOPNOTSUPP:   ConnectionAborted,
		unix.EINVAL:       InvalidState,
	},
	opReceive: {
		unix.ECONNRESET: RemoteUnreachable,
		unix.ENETRESET:  RemoteUnreachable,
	},
	opSend: {
		unix.EAFNOSUPPORT:  InvalidArgument,
		unix.EDESTADDRREQ:  InvalidArgument,
		unix.EISCONN:       InvalidArgument,
		unix.EADDRNOTAVAIL: InvalidArgument,
		unix.ECONNRESET:    RemoteUnreachable,
		unix.ENETRESET:     RemoteUnreachable,
	},
}
