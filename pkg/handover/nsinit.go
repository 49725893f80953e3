package handover

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// UserNamespaceFD is the descriptor of the user namespace that a process in mode nsinit joins before it is a program
// of more than one thread, if its environment has UserNamespaceEnv.
const UserNamespaceFD = 4

// UserNamespaceEnv tells a process in mode nsinit that there is a namespace to join.
const UserNamespaceEnv = "WASMGO_USERNS"

// Birth turns a process in mode nsinit into the runner. It was started to be the init of a sandbox while that was being
// built: where there is a user namespace, which no thread of the shim can enter, or where hooks want the init's pid before
// the root file system is in place.
//
//	shim                                     runner
//	----                                     ------
//	fork and exec, mode nsinit     ───────▶  (joins a user namespace,) waits
//	the rest of the sandbox, hooks
//	Birth, with descriptors        ───────▶  user, capabilities …; executes itself in mode guest
//	Guest                          ───────▶  as any runner from here on
//
// When the birth fails the answer is a Ready with Failure.
type Birth struct {
	// Program is the file to execute, beside the runner; "" is the runner.
	Program string
	// Argv and Env are the runner's.
	Argv, Env []string
	// UID, GID and Groups are as the sandbox's user namespace has them.
	UID, GID uint32
	Groups   []uint32
	Umask    int
	// Bounding, Inheritable and Ambient are capability sets by bit.
	Bounding, Inheritable, Ambient uint64
	NoNewPrivs                     bool
	// LabelFile is a path below the host's /proc to which Label is written; "" for none.
	LabelFile, Label string
	// CgroupNamespace asks for a new one.
	CgroupNamespace bool
	// Proc, Terminal and Code tell which files come along. SendBirth sets them.
	Proc, Terminal, Code bool
}

// BirthFiles are the descriptors that go with a Birth; each may be nil.
type BirthFiles struct {
	// Proc is the host's /proc. It does not reach the runner.
	Proc *os.File
	// Terminal becomes descriptors 0 to 2 and the controlling terminal.
	Terminal *os.File
	// Code becomes descriptor CodeFD.
	Code *os.File
}

func (f *BirthFiles) each() []**os.File { return []**os.File{&f.Proc, &f.Terminal, &f.Code} }

// Close closes the files.
func (f *BirthFiles) Close() error {
	var errs []error
	for _, file := range f.each() {
		if *file != nil {
			errs = append(errs, (*file).Close())
		}
	}
	return errors.Join(errs...)
}

var errFiles = errors.New("birth without its files")

// SendBirth writes a Birth and its files, which it does not close.
func SendBirth(socket *os.File, b Birth, files BirthFiles) error {
	b.Proc, b.Terminal, b.Code = files.Proc != nil, files.Terminal != nil, files.Code != nil
	var fds []int
	for _, f := range files.each() {
		if *f != nil {
			fds = append(fds, int((*f).Fd()))
		}
	}
	if err := sendFiles(socket, birth, fds); err != nil {
		return fmt.Errorf("send birth: %w", err)
	}
	return Send(socket, b)
}

// birth is the byte that carries a Birth's descriptors.
const birth = 'f'

// ReceiveBirth reads a Birth from the blocking socket. The caller closes the files.
func ReceiveBirth(socket *os.File) (b Birth, files BirthFiles, err error) {
	fds, err := receiveFiles(int(socket.Fd()), birth)
	if err != nil {
		return b, files, fmt.Errorf("receive birth: %w", err)
	}
	if err := Receive(socket, &b); err != nil {
		return b, files, errors.Join(err, closeAll(fds))
	}
	for i, present := range []bool{b.Proc, b.Terminal, b.Code} {
		if !present {
			continue
		}
		if len(fds) == 0 {
			return b, files, errors.Join(fmt.Errorf("receive birth: %w", errFiles), files.Close())
		}
		*files.each()[i] = os.NewFile(uintptr(fds[0]), "birth")
		fds = fds[1:]
	}
	return b, files, closeAll(fds)
}

// sendFiles sends the byte mark, which carries descriptors.
func sendFiles(socket *os.File, mark byte, fds []int) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		sendErr = unix.Sendmsg(int(fd), []byte{mark}, rights, nil, unix.MSG_NOSIGNAL)
		return !errors.Is(sendErr, unix.EAGAIN)
	})
	return errors.Join(err, os.NewSyscallError("sendmsg", sendErr))
}

// receiveFiles reads the byte mark and the descriptors that it carries.
func receiveFiles(socket int, mark byte) ([]int, error) {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(3*4))
	var n, got int
	var err error
	for {
		n, got, _, _, err = unix.Recvmsg(socket, data[:], control, unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	switch {
	case err != nil:
		return nil, os.NewSyscallError("recvmsg", err)
	case n == 0 || data[0] != mark:
		return nil, errFiles
	}
	messages, err := unix.ParseSocketControlMessage(control[:got])
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	var fds []int
	for _, m := range messages {
		rights, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, errors.Join(err, closeAll(fds))
		}
		fds = append(fds, rights...)
	}
	return fds, nil
}

func closeAll(fds []int) error {
	var errs []error
	for _, fd := range fds {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}
