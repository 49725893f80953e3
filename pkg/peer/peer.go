// Package peer tells about the process that serves a unix socket: the daemon as it runs, and not as its files say it would be started.
// The commands for people use it; daemons' environments are for root to read.
package peer

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dialTimeout is for a daemon whose backlog is full.
const dialTimeout = 5 * time.Second

// initPid is the process that binds sockets for others (systemd.socket(5)).
const initPid = 1

// ErrActivated is the error of a socket that init has bound for the daemon: who serves it cannot be told from outside.
var ErrActivated = errors.New("the socket is init's, which starts the daemon behind it")

// Process is one that serves a socket.
type Process struct {
	// Pid is its number.
	Pid int
	// UID is its user, when it began to listen. Who asks as root runs nothing and believes no environment of another's.
	UID int
}

// Of returns the process that listens on the unix socket at path. The kernel keeps the credentials of whoever called listen(2).
func Of(path string) (Process, error) {
	conn, err := net.DialTimeout("unix", path, dialTimeout)
	if err != nil {
		return Process{}, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return Process{}, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return Process{}, err
	}
	if credErr != nil {
		return Process{}, os.NewSyscallError("getsockopt", credErr)
	}
	if cred.Pid == initPid && os.Getpid() != initPid && !isDaemon(initPid) {
		return Process{}, fmt.Errorf("%s: %w", path, ErrActivated)
	}
	return Process{Pid: int(cred.Pid), UID: int(cred.Uid)}, nil
}

// isDaemon reports whether a process is no init of a system, as in a container where a daemon is the first process.
func isDaemon(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.TrimSpace(string(name)) != "systemd" && strings.TrimSpace(string(name)) != "init"
}

func (p Process) proc(name string) string { return filepath.Join("/proc", strconv.Itoa(p.Pid), name) }

// Environ is its environment, as it was when the process began.
func (p Process) Environ() ([]string, error) {
	return p.list("environ")
}

// Args are its arguments, the first of them its name.
func (p Process) Args() ([]string, error) {
	return p.list("cmdline")
}

func (p Process) list(name string) ([]string, error) {
	content, err := os.ReadFile(p.proc(name))
	if err != nil {
		return nil, err
	}
	var out []string
	for part := range bytes.SplitSeq(bytes.TrimSuffix(content, []byte{0}), []byte{0}) {
		out = append(out, string(part))
	}
	return out, nil
}

// Executable is a path by which its program can be executed, also when the file has been replaced since.
func (p Process) Executable() string { return p.proc("exe") }

// Root is a path of its root directory.
func (p Process) Root() string { return p.proc("root") }

// Variable is a variable in an environment, "" if it is not there.
func Variable(environ []string, name string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
