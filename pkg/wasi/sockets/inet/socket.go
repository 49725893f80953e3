package inet

import (
	"errors"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket is what TCP and UDP sockets have in common: a descriptor that does not block, and options.
type socket struct {
	fd     int
	family Family
}

func newSocket(f Family, kind int) (socket, error) {
	fd, err := unix.Socket(f.domain(), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return socket{}, fail(opSocket, err)
	}
	s := socket{fd, f}
	if f == IPv6 {
		if err := s.setOption(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			unix.Close(fd)
			return socket{}, err
		}
	}
	return s, nil
}

// AddressFamily is what the socket was made for.
func (s *socket) AddressFamily() Family { return s.family }

func (s *socket) bind(a Address) error {
	if err := unix.Bind(s.fd, a.sockaddr()); err != nil {
		return fail(opBind, err)
	}
	return nil
}

func (s *socket) localAddress() (Address, error) {
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		return Address{}, fail(opName, err)
	}
	return address(sa), nil
}

// option and setOption are getsockopt(2) and setsockopt(2) of a number.
func (s *socket) option(level, name int) (int, error) {
	v, err := unix.GetsockoptInt(s.fd, level, name)
	if err != nil {
		return 0, fail(opOption, err)
	}
	return v, nil
}

func (s *socket) setOption(level, name, value int) error {
	if err := unix.SetsockoptInt(s.fd, level, name, value); err != nil {
		return fail(opOption, err)
	}
	return nil
}

func (s *socket) hopLimitOption() (level, name int) {
	if s.family == IPv6 {
		return unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	return unix.IPPROTO_IP, unix.IP_TTL
}

// HopLimit is the time to live of what is sent, 1 to 255.
func (s *socket) HopLimit() (uint8, error) {
	level, name := s.hopLimitOption()
	v, err := s.option(level, name)
	return uint8(v), err
}

// SetHopLimit sets it; 0 is an [InvalidArgument].
func (s *socket) SetHopLimit(v uint8) error {
	if v == 0 {
		return InvalidArgument
	}
	level, name := s.hopLimitOption()
	return s.setOption(level, name, int(v))
}

// ReceiveBufferSize is the kernel's room for what has come in, in bytes.
func (s *socket) ReceiveBufferSize() (uint64, error) { return s.bufferSize(unix.SO_RCVBUF) }

// SetReceiveBufferSize sets it within what the kernel allows; 0 is an [InvalidArgument].
func (s *socket) SetReceiveBufferSize(v uint64) error { return s.setBufferSize(unix.SO_RCVBUF, v) }

// SendBufferSize is the kernel's room for what is to go out, in bytes.
func (s *socket) SendBufferSize() (uint64, error) { return s.bufferSize(unix.SO_SNDBUF) }

// SetSendBufferSize sets it within what the kernel allows; 0 is an [InvalidArgument].
func (s *socket) SetSendBufferSize(v uint64) error { return s.setBufferSize(unix.SO_SNDBUF, v) }

// bufferSize halves what Linux says, which doubles what it is told, to have room for its own bookkeeping (socket(7)).
func (s *socket) bufferSize(name int) (uint64, error) {
	v, err := s.option(unix.SOL_SOCKET, name)
	return uint64(v) / 2, err
}

func (s *socket) setBufferSize(name int, v uint64) error {
	if v == 0 {
		return InvalidArgument
	}
	return s.setOption(unix.SOL_SOCKET, name, int(min(v, math.MaxInt32/2)))
}

// retry calls a system call again as long as a signal interrupts it.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// connectUnspecified is connect(2) with AF_UNSPEC, which takes a datagram socket's peer away; package unix has no address of that family.
func connectUnspecified(fd int) error {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	return retry(func() error {
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none))
		if errno != 0 {
			return errno
		}
		return nil
	})
}
