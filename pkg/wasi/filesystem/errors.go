package filesystem

import (
	"errors"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/wit"
)

// An ErrorCode is a case of error-code, in the order of the WIT.
type ErrorCode uint8

// The cases of error-code.
const (
	Access ErrorCode = iota
	WouldBlock
	Already
	BadDescriptor
	Busy
	Deadlock
	Quota
	Exist
	FileTooLarge
	IllegalByteSequence
	InProgress
	Interrupted
	Invalid
	IO
	IsDirectory
	Loop
	TooManyLinks
	MessageSize
	NameTooLong
	NoDevice
	NoEntry
	NoLock
	InsufficientMemory
	InsufficientSpace
	NotDirectory
	NotEmpty
	NotRecoverable
	Unsupported
	NoTTY
	NoSuchDevice
	Overflow
	NotPermitted
	Pipe
	ReadOnly
	InvalidSeek
	TextFileBusy
	CrossDevice
)

// errorCodeType is the type error-code.
var errorCodeType = wit.Enum[ErrorCode]("access", "would-block", "already", "bad-descriptor", "busy", "deadlock", "quota", "exist",
	"file-too-large", "illegal-byte-sequence", "in-progress", "interrupted", "invalid", "io", "is-directory", "loop", "too-many-links",
	"message-size", "name-too-long", "no-device", "no-entry", "no-lock", "insufficient-memory", "insufficient-space", "not-directory",
	"not-empty", "not-recoverable", "unsupported", "no-tty", "no-such-device", "overflow", "not-permitted", "pipe", "read-only",
	"invalid-seek", "text-file-busy", "cross-device")

// codes are the errors of the system that have a case of their own: those WIT names, and those next to one of them.
var codes = map[unix.Errno]ErrorCode{
	unix.EACCES: Access, unix.EAGAIN: WouldBlock, unix.EALREADY: Already, unix.EBADF: BadDescriptor, unix.EBUSY: Busy,
	unix.EDEADLK: Deadlock, unix.EDQUOT: Quota, unix.EEXIST: Exist, unix.EFBIG: FileTooLarge, unix.EILSEQ: IllegalByteSequence,
	unix.EINPROGRESS: InProgress, unix.EINTR: Interrupted, unix.EINVAL: Invalid, unix.EIO: IO, unix.EISDIR: IsDirectory,
	unix.ELOOP: Loop, unix.EMLINK: TooManyLinks, unix.EMSGSIZE: MessageSize, unix.ENAMETOOLONG: NameTooLong, unix.ENODEV: NoDevice,
	unix.ENOENT: NoEntry, unix.ENOLCK: NoLock, unix.ENOMEM: InsufficientMemory, unix.ENOSPC: InsufficientSpace,
	unix.ENOTDIR: NotDirectory, unix.ENOTEMPTY: NotEmpty, unix.ENOTRECOVERABLE: NotRecoverable, unix.ENOTSUP: Unsupported,
	unix.ENOTTY: NoTTY, unix.ENXIO: NoSuchDevice, unix.EOVERFLOW: Overflow, unix.EPERM: NotPermitted, unix.EPIPE: Pipe,
	unix.EROFS: ReadOnly, unix.ESPIPE: InvalidSeek, unix.ETXTBSY: TextFileBusy, unix.EXDEV: CrossDevice,

	unix.ENOSYS: Unsupported,
	unix.EMFILE: InsufficientMemory, unix.ENFILE: InsufficientMemory, // the room for open files
	unix.ENOTBLK: NoDevice,
	unix.ESTALE:  NoEntry, // of a network file system: what the descriptor was of is gone
}

// codeOf is which errors of Go are an error-code; the others, which are the host's own, end the guest. An error of the system without a
// case of its own is io.
func codeOf(err error) (ErrorCode, bool) {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return 0, false
	}
	if code, ok := codes[errno]; ok {
		return code, true
	}
	return IO, true
}

// errorCode is filesystem-error-code: what of the error of a stream there is to know here.
func errorCode(err error) *ErrorCode {
	if code, ok := codeOf(err); ok {
		return &code
	}
	return nil
}
