package system

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"

	"wasmgo/pkg/toolbox/abi"
)

// Lookup finds the addresses of a name.
func Lookup(name string) (list []netip.Addr, err error) {
	r, err := ask(abi.OpLookup, abi.Message(nil).String(name))
	if err != nil {
		return nil, err
	}
	for range r.Count(8) {
		if a, err := netip.ParseAddr(r.String()); err == nil {
			list = append(list, a)
		}
	}
	return list, r.Err()
}

// A Conn is a connection, or a socket that listens.
type Conn struct {
	*os.File
	fd uint64
}

// Dial connects to an address. Timeout 0 waits for as long as the kernel does.
func Dial(network abi.Network, to netip.AddrPort, timeout time.Duration) (*Conn, error) {
	c, err := open(abi.OpDial, network, to)
	if err != nil {
		return nil, err
	}
	if timeout > 0 {
		err = c.SetDeadline(time.Now().Add(timeout))
	}
	raw, rawErr := c.SyscallConn()
	if err = errors.Join(err, rawErr); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	var failed error
	err = raw.Write(func(uintptr) bool {
		_, failed = ask(abi.OpDialed, abi.Message(nil).Uint(c.fd))
		return !errors.Is(failed, syscall.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, c.SetDeadline(time.Time{})
}

// Listen makes a socket that listens; one of UDP takes what comes.
func Listen(network abi.Network, at netip.AddrPort) (*Conn, error) {
	return open(abi.OpListen, network, at)
}

func open(op abi.Op, network abi.Network, a netip.AddrPort) (*Conn, error) {
	r, err := ask(op, abi.Message(nil).Uint(uint64(network)).String(a.String()))
	if err != nil {
		return nil, err
	}
	return newConn(r.Uint()), nil
}

func newConn(fd uint64) *Conn { return &Conn{File: os.NewFile(uintptr(fd), "socket"), fd: fd} }

// Accept waits for the next connection, and says from where it is.
func (c *Conn) Accept() (*Conn, string, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, "", err
	}
	var r *abi.Reader
	var failed error
	err = raw.Read(func(uintptr) bool {
		r, failed = ask(abi.OpAccept, abi.Message(nil).Uint(c.fd))
		return !errors.Is(failed, syscall.EAGAIN)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, "", err
	}
	return newConn(r.Uint()), r.String(), nil
}

// HalfClose says that nothing more will be sent.
func (c *Conn) HalfClose() error {
	_, err := ask(abi.OpHalfClose, abi.Message(nil).Uint(c.fd))
	return err
}
