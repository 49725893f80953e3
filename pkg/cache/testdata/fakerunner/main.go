// Command fakerunner stands in for the runner in the tests of package cache, which so need no cgo and no Wasmtime. Each of its
// modes does what the file "behaviour" in its working directory says; a worker sees nothing else there is.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// Report is what a worker with behaviour "report" sees of the world.
type Report struct {
	UID, GID, PID int
	Groups        []int
	NoNewPrivs    bool
	Nice          int
	Capabilities  [2]uint32 // permitted
	Root          []string  // names in "/"
	Interfaces    []string
	Writable      bool // whether a file can be made in the working directory
	Descriptors   []int
	Limits        map[string]uint64
	Env           []string
	Hostname      string
}

func main() {
	mode := os.Getenv("WASMGO_RUNNER")
	if mode == "fingerprint" {
		fmt.Println("fake 1")
		return
	}
	if mode != "compile" && mode != "seccomp" {
		die(2, fmt.Errorf("mode %q", mode))
	}
	if err := handover.ImposeLimits(); err != nil {
		die(2, err)
	}
	behaviour, err := os.ReadFile("behaviour")
	if err != nil {
		die(2, err)
	}
	name, argument, _ := strings.Cut(strings.TrimSpace(string(behaviour)), " ")
	behave(mode, name, argument)
}

func behave(mode, name, argument string) {
	switch name {
	case "early": // ends before it has read anything
		return
	case "loop":
		for i := 0; ; i++ {
			rand.Uint64()
		}
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		die(2, err)
	}
	switch name {
	case "good":
		result(mode, input, fmt.Sprintf("%016x", rand.Uint64()))
	case "hang": // begins to write and never ends
		emit([]byte("begun"))
		for {
			time.Sleep(time.Hour)
		}
	case "report":
		result(mode, input, report())
	case "bad":
		die(1, fmt.Errorf("%s", argument))
	case "host":
		die(2, fmt.Errorf("%s", argument))
	case "refuse": // a component
		die(3, fmt.Errorf("%s", argument))
	case "nest": // without an end
		split(input, [][]byte{append(input, '.')})
	case "crash":
		// Go's handler would make an exit status of it.
		unix.Kill(os.Getpid(), unix.SIGSEGV)
		panic("crashed on purpose")
	case "eat":
		var all [][]byte
		for {
			b := bytes.Repeat([]byte{1}, 16<<20)
			all = append(all, b)
		}
	case "garbage":
		emit([]byte("this is no machine code, whatever the exit status says"))
	case "nothing":
	case "cut":
		b := artifact(input, "cut")
		emit(b[:len(b)-1])
	case "large":
		for {
			emit(make([]byte, 1<<20))
		}
	case "chatter":
		for range 1024 {
			fmt.Fprintln(os.Stderr, strings.Repeat("n\xffo ", 256))
		}
		os.Exit(1)
	default:
		die(2, fmt.Errorf("behaviour %q", name))
	}
}

// result writes what a good worker would.
func result(mode string, input []byte, note string) {
	if mode == "seccomp" {
		if !json.Valid(input) {
			die(1, fmt.Errorf("not JSON: %.20q", input))
		}
		emit([]byte(note)[:8])
		return
	}
	switch {
	case bytes.HasPrefix(input, []byte("component ")):
		split([]byte("skeleton of "+string(input)), bytes.Fields(input)[1:])
	case bytes.HasPrefix(input, []byte("wrong")):
		die(1, fmt.Errorf("%s", input))
	default:
		emit(artifact(input, note))
	}
}

// split writes a component in parts.
func split(skeleton []byte, modules [][]byte) {
	if err := handover.WriteSplit(os.Stdout, 0, skeleton, modules); err != nil {
		die(2, err)
	}
}

// artifact looks like compiled code: an ELF header of Wasmtime's kind, the note, the module, a section table.
func artifact(module []byte, note string) []byte {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01\xc8")
	b = append(b, note...)
	b = append(b, '\n')
	b = append(b, module...)
	binary.LittleEndian.PutUint64(b[40:], uint64(len(b)))
	binary.LittleEndian.PutUint16(b[58:], 64)
	binary.LittleEndian.PutUint16(b[60:], 1)
	return append(b, make([]byte, 64)...)
}

func emit(b []byte) {
	if _, err := os.Stdout.Write(b); err != nil {
		die(2, err)
	}
}

func die(code int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(code)
}

func report() string {
	r := Report{UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid(), Env: os.Environ(), Limits: map[string]uint64{}}
	var err error
	if r.Groups, err = os.Getgroups(); err != nil {
		die(2, err)
	}
	if v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil {
		r.NoNewPrivs = v == 1
	}
	if v, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		r.Nice = 20 - v
	}
	var data [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		die(2, err)
	}
	r.Capabilities = [2]uint32{data[0].Permitted, data[1].Permitted}
	entries, err := os.ReadDir("/")
	if err != nil {
		die(2, err)
	}
	for _, e := range entries {
		r.Root = append(r.Root, e.Name())
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		die(2, err)
	}
	for _, i := range interfaces {
		r.Interfaces = append(r.Interfaces, i.Name)
	}
	f, err := os.OpenFile("mine", os.O_CREATE|os.O_WRONLY, 0o600)
	r.Writable = err == nil
	f.Close()
	for fd := range 64 {
		// The runtime's own descriptors (epoll, eventfd) are made after the exec and close on exec; inherited ones do not.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			r.Descriptors = append(r.Descriptors, fd)
		}
	}
	for name, resource := range map[string]int{"as": unix.RLIMIT_AS, "data": unix.RLIMIT_DATA, "cpu": unix.RLIMIT_CPU, "fsize": unix.RLIMIT_FSIZE, "nofile": unix.RLIMIT_NOFILE, "core": unix.RLIMIT_CORE} {
		var l unix.Rlimit
		if err := unix.Getrlimit(resource, &l); err != nil {
			die(2, err)
		}
		r.Limits[name] = l.Max
	}
	if r.Hostname, err = os.Hostname(); err != nil {
		r.Hostname = err.Error()
	}
	b, err := json.Marshal(r)
	if err != nil {
		die(2, err)
	}
	return string(b)
}
