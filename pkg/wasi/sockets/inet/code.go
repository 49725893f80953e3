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
	code, is := particular(op, errno)
	if !is {
		code = general(errno)
	}
	if code == WouldBlock {
		return WouldBlock
	}
	return &Error{op, code, errno}
}

// general says what errors of the kernel are called, after the "POSIX equivalent" lines of network.wit.
func general(errno unix.Errno) Code {
	switch errno {
	case unix.EACCES, unix.EPERM:
		return AccessDenied
	case unix.EOPNOTSUPP, unix.ENOPROTOOPT, unix.EPFNOSUPPORT, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT,
		unix.EPROTOTYPE, unix.ENOSYS:
		return NotSupported
	case unix.EINVAL:
		return InvalidArgument
	case unix.ENOMEM, unix.ENOBUFS:
		return OutOfMemory
	case unix.ETIMEDOUT:
		return Timeout
	case unix.EALREADY:
		return ConcurrencyConflict
	case unix.EAGAIN:
		return WouldBlock
	case unix.EISCONN, unix.ENOTCONN, unix.EDESTADDRREQ:
		return InvalidState
	case unix.EMFILE, unix.ENFILE:
		return NewSocketLimit
	case unix.EADDRNOTAVAIL:
		return AddressNotBindable
	case unix.EADDRINUSE:
		return AddressInUse
	case unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETUNREACH, unix.ENETDOWN, unix.ENONET:
		return RemoteUnreachable
	case unix.ECONNREFUSED:
		return ConnectionRefused
	case unix.ECONNRESET, unix.ENETRESET, unix.EPIPE:
		return ConnectionReset
	case unix.ECONNABORTED:
		return ConnectionAborted
	case unix.EMSGSIZE:
		return DatagramTooLarge
	}
	return Unknown
}

// particular says what errors mean that mean something else to one operation: the lists of "typical errors" in tcp.wit and udp.wit.
func particular(op string, errno unix.Errno) (_ Code, is bool) {
	switch op {
	case opBind:
		switch errno {
		case unix.EAFNOSUPPORT:
			return InvalidArgument, true
		case unix.ENODEV: // a scope-id that is no interface
			return AddressNotBindable, true
		}
	case opConnect:
		switch errno {
		case unix.EAFNOSUPPORT:
			return InvalidArgument, true
		case unix.EADDRNOTAVAIL, unix.EAGAIN: // so Linux says that there are no ephemeral ports
			return AddressInUse, true
		case unix.ENODEV:
			return RemoteUnreachable, true
		}
	case opListen:
		switch errno {
		case unix.EINVAL, unix.EOPNOTSUPP:
			return InvalidState, true
		}
	case opAccept:
		switch errno {
		case unix.EINVAL:
			return InvalidState, true
		// accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code from accept()."
		case unix.ECONNRESET, unix.ENETRESET, unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.ENETUNREACH, unix.EPROTO,
			unix.ENOPROTOOPT, unix.ENONET, unix.EOPNOTSUPP:
			return ConnectionAborted, true
		}
	case opReceive, opSend:
		switch errno {
		case unix.ECONNRESET, unix.ENETRESET:
			return RemoteUnreachable, true
		case unix.EAFNOSUPPORT, unix.EDESTADDRREQ, unix.EISCONN, unix.EADDRNOTAVAIL:
			return InvalidArgument, op == opSend
		}
	}
	return 0, false
}
