package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/wasi/preview1"
)

// Config is what the answers depend on.
type Config struct {
	// Deny is parts of the network that the container's guests may not have.
	Deny handover.Deny
	// Processes are those that were there when this one was made.
	Processes []handover.Process
	// Interrupts has SIGINT no longer end the process, but make the eventfd readable that it returns. It is called once at most.
	Interrupts func() (int, error)
}

// answers is what goes on of one guest.
type answers struct {
	Config
	event int // eventfd of SIGINT, -1 before it was asked for
}

// Functions are the imports of the toolbox beside WASI.
func Functions(c Config) preview1.Extra {
	a := &answers{Config: c, event: -1}
	return preview1.Extra{{abi.Module, abi.Function}: {Params: "iiiiii", Call: a.call}}
}

// call is the one import.
func (a *answers) call(h *preview1.Host, v []corewasm.Val) (preview1.Errno, error) {
	arg := func(i int) uint32 { return uint32(v[i].Lo) }
	question, ok := h.Bytes(arg(1), arg(2))
	room, okRoom := h.Bytes(arg(3), arg(4))
	if !ok || !okRoom {
		return preview1.ErrnoOf(unix.EFAULT), nil
	}
	answer, err := a.answer(h, abi.Op(arg(0)), abi.NewReader(question))
	switch {
	case err != nil:
		return preview1.ErrnoOf(err), nil
	case len(answer) > len(room):
		return preview1.Overflow, nil
	}
	copy(room, answer)
	return h.PutLength(arg(5), uint32(len(answer))), nil
}

func (a *answers) answer(h *preview1.Host, op abi.Op, q *abi.Reader) (m abi.Message, err error) {
	switch op {
	case abi.OpStat:
		return stat(h, q)
	case abi.OpStatFS:
		return statFS(h, q)
	case abi.OpIdentity:
		return identity()
	case abi.OpProcesses:
		return a.processes(), nil
	case abi.OpKill:
		return nil, kill(q)
	case abi.OpLookup:
		return a.lookup(q)
	case abi.OpDial, abi.OpListen:
		return a.socket(h, op, q)
	case abi.OpAccept:
		return accept(h, q)
	case abi.OpDialed:
		return nil, dialed(h, q)
	case abi.OpHalfClose:
		fd, err := descriptor(h, q)
		if err == nil {
			err = unix.Shutdown(fd, unix.SHUT_WR)
		}
		return nil, err
	case abi.OpInterrupts:
		return a.interrupts(h)
	case abi.OpInterrupted:
		return m.Uint(a.interrupted()), nil
	case abi.OpHostname:
		return hostname()
	case abi.OpTerminal:
		return terminal(h, q)
	}
	return nil, unix.ENOSYS
}

func stat(h *preview1.Host, q *abi.Reader) (abi.Message, error) {
	name, follow := q.String(), q.Uint() != 0
	var st unix.Stat_t
	if err := errors.Join(q.Err(), h.Stat(&st, follow, name)); err != nil {
		return nil, err
	}
	s := abi.Stat{
		Dev: uint64(st.Dev), Ino: st.Ino, Mode: uint64(st.Mode), Links: uint64(st.Nlink), UID: uint64(st.Uid), GID: uint64(st.Gid),
		Rdev: uint64(st.Rdev), Size: uint64(st.Size), BlockSize: uint64(st.Blksize), Blocks: uint64(st.Blocks),
		Accessed: uint64(st.Atim.Nano()), Modified: uint64(st.Mtim.Nano()), Changed: uint64(st.Ctim.Nano()),
	}
	return s.Append(nil), nil
}

func statFS(h *preview1.Host, q *abi.Reader) (abi.Message, error) {
	name := q.String()
	var st unix.Statfs_t
	if err := errors.Join(q.Err(), h.StatFS(&st, name)); err != nil {
		return nil, err
	}
	s := abi.StatFS{
		Type: uint64(st.Type), BlockSize: uint64(st.Frsize), Blocks: st.Blocks, Free: st.Bfree, Available: st.Bavail,
		Files: st.Files, FilesFree: st.Ffree,
	}
	return s.Append(nil), nil
}

func identity() (abi.Message, error) {
	groups, err := unix.Getgroups()
	if err != nil {
		return nil, err
	}
	m := abi.Message(nil).Uint(uint64(unix.Getuid())).Uint(uint64(unix.Getgid())).Uint(uint64(len(groups)))
	for _, g := range groups {
		m = m.Uint(uint64(g))
	}
	return m, nil
}

// maxPid is up to where processes are looked for: the numbers of a container's own namespace are small, and there is no /proc to list them.
const maxPid = 4096

// processes lists those there are in the namespace, as far as it can be told without /proc: what the shim has started has a name, and of any other
// the number is known.
func (a *answers) processes() abi.Message {
	names := map[int]string{unix.Getpid(): "(this)"}
	last := maxPid
	for _, p := range a.Processes {
		names[p.PID] = strings.Join(p.Args, " ")
		last = max(last, p.PID)
	}
	var list abi.Message
	n := uint64(0)
	for pid := 1; pid <= last; pid++ {
		if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) || err == nil && !leads(pid) {
			continue
		}
		p := abi.Process{PID: uint64(pid), CPU: processorTime(pid), Command: names[pid]}
		list = p.Append(list)
		n++
	}
	return append(abi.Message(nil).Uint(n), list...)
}

// leads reports whether pid is a process's, and not one of its other threads'.
func leads(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		_ = unix.Close(fd)
		return true
	}
	return !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT)
}

// processorTime is what a process has used, in nanoseconds: its clock is ~pid<<3|2 (clock_getcpuclockid(3)).
func processorTime(pid int) uint64 {
	const scheduled = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0
	}
	return uint64(t.Nano())
}

func kill(q *abi.Reader) error {
	pid, signal := int(int64(q.Uint())), unix.Signal(q.Uint())
	return errors.Join(q.Err(), unix.Kill(pid, signal))
}

// lookupTimeout bounds a lookup: it holds up everything in the shell.
const lookupTimeout = 10 * time.Second

func (a *answers) lookup(q *abi.Reader) (m abi.Message, err error) {
	name := q.String()
	switch {
	case q.Err() != nil:
		return nil, q.Err()
	case a.Deny.DNS:
		return nil, unix.EACCES
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	found, err := (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", name)
	var failure *net.DNSError
	if errors.As(err, &failure) && failure.IsNotFound {
		return m.Uint(0), nil
	}
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", unix.ETIMEDOUT)
	}
	m = m.Uint(uint64(len(found)))
	for _, f := range found {
		m = m.String(f.Unmap().WithZone("").String())
	}
	return m, nil
}

// socket makes a socket and begins to connect it, or has it listen.
func (a *answers) socket(h *preview1.Host, op abi.Op, q *abi.Reader) (m abi.Message, err error) {
	network, text := abi.Network(q.Uint()), q.String()
	at, parseErr := netip.ParseAddrPort(text)
	switch {
	case q.Err() != nil || parseErr != nil:
		return nil, unix.EINVAL
	case network == abi.TCP && a.Deny.TCP || network == abi.UDP && a.Deny.UDP:
		return nil, unix.EACCES
	}
	kind := unix.SOCK_STREAM
	if network == abi.UDP {
		kind = unix.SOCK_DGRAM
	}
	family, address := sockaddr(at)
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if op == abi.OpDial {
		err = unix.Connect(fd, address)
		if errors.Is(err, unix.EINPROGRESS) {
			err = nil
		}
	} else {
		err = listen(fd, network, address)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return m.Uint(uint64(h.Add(fd))), nil
}

func sockaddr(a netip.AddrPort) (int, unix.Sockaddr) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func listen(fd int, network abi.Network, at unix.Sockaddr) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(fd, at); err != nil || network == abi.UDP {
		return err
	}
	return unix.Listen(fd, 1)
}

// descriptor reads one of the guest's.
func descriptor(h *preview1.Host, q *abi.Reader) (int, error) {
	n := q.Uint()
	fd, ok := h.Lookup(uint32(n))
	if q.Err() != nil || !ok || n > 1<<31 {
		return -1, unix.EBADF
	}
	return fd, nil
}

func accept(h *preview1.Host, q *abi.Reader) (m abi.Message, err error) {
	fd, err := descriptor(h, q)
	if err != nil {
		return nil, err
	}
	conn, from, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, err
	}
	var text string
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		text = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		text = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)).String()
	}
	return m.Uint(uint64(h.Add(conn))).String(text), nil
}

// dialed says how connecting has ended, or EAGAIN.
func dialed(h *preview1.Host, q *abi.Reader) error {
	fd, err := descriptor(h, q)
	if err != nil {
		return err
	}
	failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return err
	case failed != 0:
		return unix.Errno(failed)
	}
	if _, err := unix.Getpeername(fd); errors.Is(err, unix.ENOTCONN) {
		return unix.EAGAIN
	} else if err != nil {
		return err
	}
	return nil
}

func (a *answers) interrupts(h *preview1.Host) (m abi.Message, err error) {
	if a.event >= 0 || a.Interrupts == nil {
		return nil, unix.EBUSY
	}
	if a.event, err = a.Interrupts(); err != nil {
		return nil, err
	}
	h.Hold(a.event)
	return m.Uint(uint64(h.Add(a.event))), nil
}

// interrupted takes a SIGINT of which nobody knows yet.
func (a *answers) interrupted() uint64 {
	if a.event < 0 {
		return 0
	}
	var count [8]byte
	if n, err := unix.Read(a.event, count[:]); err != nil || n < len(count) {
		return 0
	}
	return min(1, binary.NativeEndian.Uint64(count[:]))
}

func hostname() (m abi.Message, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, err
	}
	return m.String(unix.ByteSliceToString(u.Nodename[:])), nil
}

func terminal(h *preview1.Host, q *abi.Reader) (m abi.Message, err error) {
	fd, err := descriptor(h, q)
	if err != nil {
		return nil, err
	}
	size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return nil, err
	}
	return m.Uint(uint64(size.Col)).Uint(uint64(size.Row)), nil
}
