package system

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/toolbox/abi"
)

// Lstat is what the kernel knows of the file path, and Stat of what it leads to.
func Lstat(path string) (abi.Stat, error) { return stat("lstat", path, unix.Lstat) }

// Stat is Lstat of what path leads to.
func Stat(path string) (abi.Stat, error) { return stat("stat", path, unix.Stat) }

func stat(op, path string, call func(string, *unix.Stat_t) error) (abi.Stat, error) {
	var st unix.Stat_t
	if err := call(path, &st); err != nil {
		return abi.Stat{}, &os.PathError{Op: op, Path: path, Err: err}
	}
	return abi.Stat{
		Dev: uint64(st.Dev), Ino: st.Ino, Mode: uint64(st.Mode), Links: uint64(st.Nlink), UID: uint64(st.Uid), GID: uint64(st.Gid),
		Rdev: uint64(st.Rdev), Size: uint64(st.Size), BlockSize: uint64(st.Blksize), Blocks: uint64(st.Blocks),
		Accessed: uint64(st.Atim.Nano()), Modified: uint64(st.Mtim.Nano()), Changed: uint64(st.Ctim.Nano()),
	}, nil
}

// StatFS is what is known of the file system that path is on.
func StatFS(path string) (abi.StatFS, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return abi.StatFS{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return abi.StatFS{
		Type: uint64(st.Type), BlockSize: uint64(st.Frsize), Blocks: st.Blocks, Free: st.Bfree, Available: st.Bavail,
		Files: st.Files, FilesFree: st.Ffree,
	}, nil
}

// Identity is who the process is.
func Identity() (uid, gid int, groups []int, err error) {
	groups, err = os.Getgroups()
	return os.Getuid(), os.Getgid(), groups, err
}

// Processes lists the processes of the container that can be seen.
func Processes() (list []abi.Process, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		pid, atoiErr := strconv.Atoi(filepath.Base(dir))
		if errors.Join(err, atoiErr) == nil {
			list = append(list, abi.Process{PID: uint64(pid), Command: strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))})
		}
	}
	return list, err
}

// Kill sends a signal to a process.
func Kill(pid, sig int) error { return unix.Kill(pid, syscall.Signal(sig)) }

// Hostname is the name of the container.
func Hostname() (string, error) { return os.Hostname() }

// Interrupts has SIGINT no longer end the process: the file can be read after each. Here there is none: SIGINT ends the process.
func Interrupts() (*os.File, error) {
	return nil, nil
}

// Interrupted reports whether there was a SIGINT that nobody has read of yet. Here goroutines run at the same time, so that it is read at once.
func Interrupted() bool { return false }

// Lookup finds the addresses of a name.
func Lookup(name string) ([]netip.Addr, error) {
	all, err := net.LookupIP(name)
	var list []netip.Addr
	for _, ip := range all {
		if a, ok := netip.AddrFromSlice(ip); ok {
			list = append(list, a.Unmap())
		}
	}
	return list, err
}

// A Conn is a connection, or a socket that listens.
type Conn struct {
	net.Conn
	listener net.Listener
}

func name(network abi.Network) string {
	if network == abi.UDP {
		return "udp"
	}
	return "tcp"
}

// Dial connects to an address. Timeout 0 waits for as long as the kernel does.
func Dial(network abi.Network, to netip.AddrPort, timeout time.Duration) (*Conn, error) {
	c, err := net.DialTimeout(name(network), to.String(), timeout)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

// Listen makes a socket that listens; one of UDP takes what comes.
func Listen(network abi.Network, at netip.AddrPort) (*Conn, error) {
	if network == abi.UDP {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, err
		}
		return &Conn{Conn: c}, nil
	}
	l, err := net.Listen(name(network), at.String())
	if err != nil {
		return nil, err
	}
	return &Conn{listener: l}, nil
}

// Accept waits for the next connection, and says from where it is.
func (c *Conn) Accept() (*Conn, string, error) {
	conn, err := c.listener.Accept()
	if err != nil {
		return nil, "", err
	}
	return &Conn{Conn: conn}, conn.RemoteAddr().String(), nil
}

// Close closes the socket.
func (c *Conn) Close() error {
	if c.listener != nil {
		return c.listener.Close()
	}
	return c.Conn.Close()
}

// HalfClose says that nothing more will be sent.
func (c *Conn) HalfClose() error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return nil
}

// Terminal is the size of the terminal that f is, in characters. An error says that it is none.
func Terminal(f *os.File) (columns, rows int, err error) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, err
	}
	return int(size.Col), int(size.Row), nil
}
