package preview1

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Errno is WASI's errno.
type Errno uint16

// Those that are given without an error of the kernel's.
const (
	Success  Errno = 0
	again    Errno = 6
	badf     Errno = 8
	fault    Errno = 21
	inval    Errno = 28
	ioError  Errno = 29
	isDir    Errno = 31
	notDir   Errno = 54
	notSup   Errno = 58
	Overflow Errno = 61
)

// numbers are WASI's for those of the kernel (witx: typenames.witx, errno).
var numbers = map[unix.Errno]Errno{
	unix.E2BIG: 1, unix.EACCES: 2, unix.EADDRINUSE: 3, unix.EADDRNOTAVAIL: 4, unix.EAFNOSUPPORT: 5, unix.EAGAIN: again, unix.EALREADY: 7,
	unix.EBADF: badf, unix.EBADMSG: 9, unix.EBUSY: 10, unix.ECANCELED: 11, unix.ECHILD: 12, unix.ECONNABORTED: 13, unix.ECONNREFUSED: 14,
	unix.ECONNRESET: 15, unix.EDEADLK: 16, unix.EDESTADDRREQ: 17, unix.EDOM: 18, unix.EDQUOT: 19, unix.EEXIST: 20, unix.EFAULT: fault,
	unix.EFBIG: 22, unix.EHOSTUNREACH: 23, unix.EIDRM: 24, unix.EILSEQ: 25, unix.EINPROGRESS: 26, unix.EINTR: 27, unix.EINVAL: inval,
	unix.EIO: ioError, unix.EISCONN: 30, unix.EISDIR: isDir, unix.ELOOP: 32, unix.EMFILE: 33, unix.EMLINK: 34, unix.EMSGSIZE: 35,
	unix.EMULTIHOP: 36, unix.ENAMETOOLONG: 37, unix.ENETDOWN: 38, unix.ENETRESET: 39, unix.ENETUNREACH: 40, unix.ENFILE: 41,
	unix.ENOBUFS: 42, unix.ENODEV: 43, unix.ENOENT: 44, unix.ENOEXEC: 45, unix.ENOLCK: 46, unix.ENOLINK: 47, unix.ENOMEM: 48,
	unix.ENOMSG: 49, unix.ENOPROTOOPT: 50, unix.ENOSPC: 51, unix.ENOSYS: 52, unix.ENOTCONN: 53, unix.ENOTDIR: notDir, unix.ENOTEMPTY: 55,
	unix.ENOTRECOVERABLE: 56, unix.ENOTSOCK: 57, unix.ENOTSUP: notSup, unix.ENOTTY: 59, unix.ENXIO: 60, unix.EOVERFLOW: Overflow,
	unix.EOWNERDEAD: 62, unix.EPERM: 63, unix.EPIPE: 64, unix.EPROTO: 65, unix.EPROTONOSUPPORT: 66, unix.EPROTOTYPE: 67, unix.ERANGE: 68,
	unix.EROFS: 69, unix.ESPIPE: 70, unix.ESRCH: 71, unix.ESTALE: 72, unix.ETIMEDOUT: 73, unix.ETXTBSY: 74, unix.EXDEV: 75,
}

// ErrnoOf is what a guest is told of an error.
func ErrnoOf(err error) Errno {
	if err == nil {
		return Success
	}
	var e unix.Errno
	if errors.As(err, &e) {
		if n, ok := numbers[e]; ok {
			return n
		}
	}
	return ioError
}
