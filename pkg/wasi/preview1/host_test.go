package preview1

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/filesystem/beneath"
)

// guest is a host whose guest has nothing but a memory.
type guest struct {
	*Host
	t *testing.T
	m []byte
}

func newGuest(t *testing.T, dir string) *guest {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	root, err := beneath.Preopen(fd, beneath.Options{Root: true})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Args: []string{"name", "ä"}, Env: []string{"A=b"}, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	g := &guest{h, t, make([]byte, 1<<16)}
	h.memory = func() []byte { return g.m }
	return g
}

// call calls a function as a guest does.
func (g *guest) call(name string, args ...uint64) Errno {
	g.t.Helper()
	f, ok := functions[name]
	if !ok || len(f.Params) != len(args) {
		g.t.Fatalf("%s with %d parameters", name, len(args))
	}
	vals := make([]corewasm.Val, len(args))
	for i, a := range args {
		vals[i].Lo = a
	}
	e, err := f.Call(g.Host, vals)
	if err != nil {
		g.t.Fatal(err)
	}
	return e
}

// put puts text at an address and returns both as arguments.
func (g *guest) put(at uint64, text string) (uint64, uint64) {
	copy(g.m[at:], text)
	return at, uint64(len(text))
}

func (g *guest) u32(at int) uint32 { return binary.LittleEndian.Uint32(g.m[at:]) }

// open opens a path below "/" for reading and writing.
func (g *guest) open(name string, oflags uint64) (uint64, Errno) {
	g.t.Helper()
	at, n := g.put(0x100, name)
	e := g.call("path_open", firstPreopen, 1, at, n, oflags, rightRead|rightWrite, 0, 0, 0x80)
	return uint64(g.u32(0x80)), e
}

func TestArgumentsAndEnvironment(t *testing.T) {
	g := newGuest(t, t.TempDir())
	if e := g.call("args_sizes_get", 0, 4); e != Success || g.u32(0) != 2 || g.u32(4) != 8 {
		t.Errorf("errno %d: %d of %d bytes", e, g.u32(0), g.u32(4))
	}
	if e := g.call("args_get", 0, 0x20); e != Success || string(g.m[g.u32(4):][:3]) != "ä\x00" {
		t.Errorf("errno %d: %q", e, g.m[g.u32(4):][:3])
	}
	if e := g.call("environ_get", 0, 0x20); e != Success || string(g.m[g.u32(0):][:4]) != "A=b\x00" {
		t.Errorf("errno %d", e)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/f", dir+"/absolute"); err != nil {
		t.Fatal(err)
	}
	g := newGuest(t, dir)
	fd, e := g.open("f", 1) // create
	if e != Success || fd != firstPreopen+1 {
		t.Fatalf("errno %d, descriptor %d", e, fd)
	}
	at, n := g.put(0x200, "contents")
	binary.LittleEndian.PutUint32(g.m[0x300:], uint32(at))
	binary.LittleEndian.PutUint32(g.m[0x304:], uint32(n))
	if e := g.call("fd_write", fd, 0x300, 1, 0x310); e != Success || g.u32(0x310) != 8 {
		t.Errorf("write: errno %d, %d bytes", e, g.u32(0x310))
	}
	if e := g.call("fd_seek", fd, uint64(math.MaxUint64-2), 2, 0x310); e != Success || g.u32(0x310) != 5 { // 3 before the end
		t.Errorf("seek: errno %d, at %d", e, g.u32(0x310))
	}
	if e := g.call("fd_read", fd, 0x300, 1, 0x310); e != Success || g.u32(0x310) != 3 || string(g.m[0x200:0x203]) != "nts" {
		t.Errorf("read: errno %d, %q", e, g.m[0x200:0x203])
	}
	if e := g.call("fd_close", fd); e != Success {
		t.Errorf("close: errno %d", e)
	}
	for _, c := range []struct {
		name string
		got  Errno
		want Errno
	}{
		{"a descriptor that is closed", g.call("fd_read", fd, 0x300, 1, 0x310), badf},
		{"a descriptor that never was", g.call("fd_fdstat_get", 1<<31, 0x310), badf},
		{"a path from what is no directory", g.call("path_unlink_file", 0, 0x100, 1), notDir},
		{"reading a directory", g.call("fd_read", firstPreopen, 0x300, 1, 0x310), isDir},
		{"memory that there is not", g.call("fd_filestat_get", firstPreopen, 1<<31), fault},
		{"a buffer that reaches out of memory", g.call("random_get", 1<<16-1, 2), fault},
		{"a buffer whose end runs over", g.call("random_get", math.MaxUint32, math.MaxUint32), fault},
		{"a clock that there is not", g.call("clock_time_get", 9, 0, 0x310), inval},
		{"a position that there is not", g.call("fd_seek", firstPreopen, 0, 7, 0x310), inval},
		{"no subscriptions", g.call("poll_oneoff", 0, 0, 0, 0x310), inval},
		{"more subscriptions than there is memory", g.call("poll_oneoff", 0, 0, 1<<15, 0x310), fault},
	} {
		if c.got != c.want {
			t.Errorf("%s: errno %d, want %d", c.name, c.got, c.want)
		}
	}
	if _, e := g.open("absolute", 0); e != Success {
		t.Errorf("an absolute link: errno %d", e)
	}
	if _, e := g.open("../../../f", 0); e != Success {
		t.Errorf("above the root: errno %d", e)
	}
}

func TestReadDirectoryInPieces(t *testing.T) {
	dir := t.TempDir()
	want := map[string]bool{}
	for _, name := range []string{"a", "bb", "ccc", "dddd"} {
		if err := os.WriteFile(dir+"/"+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		want[name] = true
	}
	g := newGuest(t, dir)
	const room = 40 // of one entry and a part of another
	for cookie := uint64(0); ; {
		if e := g.call("fd_readdir", firstPreopen, 0x400, room, cookie, 0x310); e != Success {
			t.Fatalf("errno %d", e)
		}
		used := int(g.u32(0x310))
		if used < 24 {
			break
		}
		cookie = binary.LittleEndian.Uint64(g.m[0x400:])
		n := int(g.u32(0x410))
		if 24+n > used {
			t.Fatalf("an entry of %d bytes in %d", n, used)
		}
		delete(want, string(g.m[0x418:0x418+n]))
		if g.m[0x414] != byte(regularFile) {
			t.Errorf("kind %d", g.m[0x414])
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}

// subscribe puts a subscription into memory.
func (g *guest) subscribe(i int, kind byte, fd uint32, timeout time.Duration) {
	b := g.m[0x1000+i*subscriptionSize:][:subscriptionSize]
	clear(b)
	binary.LittleEndian.PutUint64(b, uint64(i)+100)
	b[8] = kind
	if kind == eventClock {
		binary.LittleEndian.PutUint32(b[16:], monotonic)
		binary.LittleEndian.PutUint64(b[24:], uint64(timeout))
		return
	}
	binary.LittleEndian.PutUint32(b[16:], fd)
}

func TestPoll(t *testing.T) {
	g := newGuest(t, t.TempDir())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	fd, err := unix.FcntlInt(r.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	n := g.Add(fd)
	g.subscribe(0, eventRead, n, 0)
	g.subscribe(1, eventClock, 0, time.Millisecond)
	if e := g.call("poll_oneoff", 0x1000, 0x2000, 2, 0x310); e != Success || g.u32(0x310) != 1 || g.u32(0x2000) != 101 {
		t.Errorf("errno %d, %d events, the first %d; want the clock's", e, g.u32(0x310), g.u32(0x2000))
	}
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	g.subscribe(1, eventClock, 0, time.Hour)
	if e := g.call("poll_oneoff", 0x1000, 0x2000, 2, 0x310); e != Success || g.u32(0x310) != 1 || g.u32(0x2000) != 100 {
		t.Errorf("errno %d, %d events, the first %d; want the pipe's", e, g.u32(0x310), g.u32(0x2000))
	}
	g.subscribe(1, eventRead, 77, 0)
	if e := g.call("poll_oneoff", 0x1000, 0x2000, 2, 0x310); e != Success || g.u32(0x310) != 2 || Errno(binary.LittleEndian.Uint16(g.m[0x2000+eventSize+8:])) != badf {
		t.Errorf("errno %d, %d events; want that of a descriptor that there is not, too", e, g.u32(0x310))
	}
}

// TestHold: what is held back is not read until the other thing has been.
func TestHold(t *testing.T) {
	g := newGuest(t, t.TempDir())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	g.descriptors[0] = &descriptor{fd: int(r.Fd()), standard: true, flags: flagNonblock}
	event, err := unix.Eventfd(1, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(event)
	g.Hold(event)
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(g.m[0x300:], 0x200)
	binary.LittleEndian.PutUint32(g.m[0x304:], 1)
	if e := g.call("fd_read", 0, 0x300, 1, 0x310); e != again {
		t.Errorf("errno %d, want again", e)
	}
	var count [8]byte
	if _, err := unix.Read(event, count[:]); err != nil {
		t.Fatal(err)
	}
	if e := g.call("fd_read", 0, 0x300, 1, 0x310); e != Success || g.m[0x200] != 'x' {
		t.Errorf("errno %d, got %q", e, g.m[0x200])
	}
}

// FuzzCalls: whatever a guest gives as arguments and has in its memory, a call returns. What would wait or change the file system is left out.
func FuzzCalls(f *testing.F) {
	f.Add(uint8(0), []byte("\x00\x01\x02"), uint64(3), uint64(1), uint64(8))
	f.Add(uint8(7), []byte{}, uint64(math.MaxUint64), uint64(math.MaxUint32), uint64(0))
	names := []string{
		"args_get", "args_sizes_get", "clock_time_get", "environ_get", "fd_fdstat_get", "fd_filestat_get", "fd_prestat_get", "fd_prestat_dir_name",
		"fd_readdir", "fd_seek", "path_filestat_get", "path_readlink", "random_get",
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, which uint8, memory []byte, a, b, c uint64) {
		g := newGuest(t, dir)
		copy(g.m, memory)
		name := names[int(which)%len(names)]
		args := make([]uint64, len(functions[name].Params))
		for i := range args {
			args[i] = []uint64{a, b, c}[i%3]
			if functions[name].Params[i] == 'i' {
				args[i] &= math.MaxUint32
			}
		}
		if e := g.call(name, args...); e > 76 {
			t.Errorf("%s: errno %d", name, e)
		}
	})
}
