package handover

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// certificates is the byte that carries the host's certificates.
const certificates = 'c'

// SendGuest writes a Guest, and after it its file if it has one, which it does not close. The file goes over the socket and not by birth as
// the code does, since few guests have it: so a runner's descriptors are the same however it is born.
func SendGuest(socket *os.File, g Guest) error {
	g.WithCertificates = g.Certificates != nil
	if err := Send(socket, g); err != nil || !g.WithCertificates {
		return err
	}
	if err := sendFiles(socket, certificates, []int{int(g.Certificates.Fd())}); err != nil {
		return fmt.Errorf("send certificates: %w", err)
	}
	return nil
}

// ReceiveGuest reads a Guest from the blocking socket, which r reads, and its file, which the caller closes. A security module of the kernel
// may keep the file from this process; it is nil then as if there were none.
func ReceiveGuest(socket int, r io.Reader, g *Guest) error {
	if err := Receive(r, g); err != nil || !g.WithCertificates {
		return err
	}
	fds, err := receiveFiles(socket, certificates)
	if err != nil {
		return fmt.Errorf("receive certificates: %w", err)
	}
	if len(fds) == 0 {
		return nil
	}
	g.Certificates = os.NewFile(uintptr(fds[0]), "the host's certificates")
	if err := closeAll(fds[1:]); err != nil {
		return errors.Join(err, g.Close())
	}
	return nil
}

// Close closes the file that goes with g, if there is one.
func (g *Guest) Close() error {
	if g.Certificates == nil {
		return nil
	}
	return g.Certificates.Close()
}
