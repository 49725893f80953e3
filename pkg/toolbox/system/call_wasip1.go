package system

import (
	"os"
	"syscall"
	"unsafe"

	"wasmgo/pkg/toolbox/abi"
)

//go:wasmimport wasmgo_toolbox call
//go:noescape
func call(op uint32, question unsafe.Pointer, length uint32, room unsafe.Pointer, capacity uint32, written unsafe.Pointer) uint32

// firstRoom is what most answers fit into; maxRoom bounds them, in bytes.
const (
	firstRoom = 1 << 10
	maxRoom   = 4 << 20
)

// ask asks the runner.
func ask(op abi.Op, question abi.Message) (*abi.Reader, error) {
	for room := firstRoom; ; room *= 4 {
		answer := make([]byte, room)
		var written uint32
		errno := syscall.Errno(call(uint32(op), unsafe.Pointer(unsafe.SliceData(question)), uint32(len(question)),
			unsafe.Pointer(unsafe.SliceData(answer)), uint32(room), unsafe.Pointer(&written)))
		switch {
		case errno == syscall.EOVERFLOW && room < maxRoom:
			continue
		case errno != 0:
			return nil, errno
		}
		return abi.NewReader(answer[:written]), nil
	}
}

// Lstat is what the kernel knows of the file path, and Stat of what it leads to.
func Lstat(path string) (abi.Stat, error) { return stat("lstat", path, 0) }

// Stat is Lstat of what path leads to.
func Stat(path string) (abi.Stat, error) { return stat("stat", path, 1) }

func stat(op, path string, follow uint64) (s abi.Stat, err error) {
	r, err := ask(abi.OpStat, abi.Message(nil).String(path).Uint(follow))
	if err != nil {
		return s, &os.PathError{Op: op, Path: path, Err: err}
	}
	s.Read(r)
	return s, r.Err()
}

// StatFS is what is known of the file system that path is on.
func StatFS(path string) (s abi.StatFS, err error) {
	r, err := ask(abi.OpStatFS, abi.Message(nil).String(path))
	if err != nil {
		return s, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	s.Read(r)
	return s, r.Err()
}

// Identity is who the process is.
func Identity() (uid, gid int, groups []int, err error) {
	r, err := ask(abi.OpIdentity, nil)
	if err != nil {
		return 0, 0, nil, err
	}
	uid, gid = int(r.Uint()), int(r.Uint())
	for range r.Count(8) {
		groups = append(groups, int(r.Uint()))
	}
	return uid, gid, groups, r.Err()
}

// Processes lists the processes of the container that can be seen.
func Processes() (list []abi.Process, err error) {
	r, err := ask(abi.OpProcesses, nil)
	if err != nil {
		return nil, err
	}
	for range r.Count(24) {
		var p abi.Process
		p.Read(r)
		list = append(list, p)
	}
	return list, r.Err()
}

// Kill sends a signal to a process.
func Kill(pid, signal int) error {
	_, err := ask(abi.OpKill, abi.Message(nil).Uint(uint64(pid)).Uint(uint64(signal)))
	return err
}

// Hostname is the name of the container.
func Hostname() (string, error) {
	r, err := ask(abi.OpHostname, nil)
	if err != nil {
		return "", err
	}
	return r.String(), r.Err()
}

// Interrupts has SIGINT no longer end the process: the file can be read after each.
func Interrupts() (*os.File, error) {
	r, err := ask(abi.OpInterrupts, nil)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(r.Uint()), "interrupts"), nil
}

// Interrupted reports whether there was a SIGINT that nobody has read of yet. It is cheap: whoever computes for long asks it, because
// nothing else would come to run.
func Interrupted() bool {
	r, err := ask(abi.OpInterrupted, nil)
	return err == nil && r.Uint() != 0
}

// Terminal is the size of the terminal that f is, in characters. An error says that it is none.
func Terminal(f *os.File) (columns, rows int, err error) {
	r, err := ask(abi.OpTerminal, abi.Message(nil).Uint(uint64(f.Fd())))
	if err != nil {
		return 0, 0, err
	}
	return int(r.Uint()), int(r.Uint()), r.Err()
}
