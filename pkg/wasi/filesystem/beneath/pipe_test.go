package beneath

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A readable is a descriptor to wait for.
type readable int

func (r readable) Watch(w *wasiio.Watch) { w.Readable(int(r)) }

// TestTerminal: reading a terminal nobody types at, and writing to one that nobody reads, hold up only those who wait for it; and it does
// not become that of the process.
func TestTerminal(t *testing.T) {
	master := must(unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0))(t)
	defer unix.Close(master)
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number := must(unix.IoctlGetInt(master, unix.TIOCGPTN))(t)
	poller := must(wasiio.NewPoller())(t)
	defer closed(t, poller)
	terminal := opened(t, preopen(t, "/dev/pts", Options{}), strconv.Itoa(number), 0, Read|Write)
	if terminal.Kind() != CharacterDevice {
		t.Errorf("is of kind %d", terminal.Kind())
	}

	in := must(terminal.ReadViaStream(0))(t)
	defer closed(t, in)
	b := make([]byte, 100)
	ready, err := poller.Ready(in)
	if n, readErr := in.Read(b); ready || n != 0 || err != nil || readErr != nil {
		t.Errorf("before anybody types: ready %t, %v; read %d, %v", ready, err, n, readErr)
	}
	if _, err := unix.Write(master, []byte("typed\n")); err != nil {
		t.Fatal(err)
	}
	if err := poller.Block(in); err != nil {
		t.Fatal(err)
	}
	if n, err := in.Read(b); string(b[:n]) != "typed\n" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	for echo := ""; echo != "typed\r\n"; {
		n, err := unix.Read(master, b)
		if err != nil {
			t.Fatal(err)
		}
		if echo += string(b[:n]); len(echo) > len("typed\r\n") {
			t.Fatalf("the echo is %q", echo)
		}
	}

	out := must(terminal.WriteViaStream(0))(t)
	defer closed(t, out)
	const much = 100_000
	if n, err := out.CheckWrite(); n < much || err != nil {
		t.Fatalf("may write %d, %v", n, err)
	}
	if err := out.Write(bytes.Repeat([]byte{'x'}, much)); err != nil {
		t.Fatal(err)
	}
	if n, err := out.CheckWrite(); n != 0 || err != nil {
		t.Errorf("while the terminal is full a guest may write %d, %v", n, err)
	}
	shown := 0
	for b := make([]byte, 5000); shown < much; {
		ready, err := poller.Poll([]wasiio.Pollable{readable(master), out}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(ready, 1) { // what was kept goes out when the guest comes back
			if _, err := out.CheckWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if slices.Contains(ready, 0) {
			n, err := unix.Read(master, b)
			if err != nil {
				t.Fatal(err)
			}
			shown += n
		}
	}
	if n, err := out.CheckWrite(); n == 0 || err != nil || shown != much {
		t.Errorf("after %d bytes a guest may write %d, %v", shown, n, err)
	}
}

// TestFullDevice: an error of the system reaches whoever writes.
func TestFullDevice(t *testing.T) {
	d := preopen(t, "/dev", Options{})
	s := must(opened(t, d, "full", 0, Write).WriteViaStream(0))(t)
	defer closed(t, s)
	if err := s.Write([]byte("x")); errnoOf(t, err) != unix.ENOSPC {
		t.Errorf("writing to /dev/full gives %v", err)
	}
	zero := must(opened(t, d, "zero", 0, Read).ReadViaStream(9))(t)
	defer closed(t, zero)
	b := bytes.Repeat([]byte{1}, 8)
	if n, err := zero.Read(b); n != 8 || err != nil || !bytes.Equal(b, make([]byte, 8)) {
		t.Errorf("reading /dev/zero gives %d %v, %v", n, b, err)
	}
}

// TestFIFO: nothing of a FIFO waits but a wait.
func TestFIFO(t *testing.T) {
	dir := t.TempDir()
	layout{"fifo |"}.make(t, dir)
	d := preopen(t, dir, Options{})
	if _, err := d.OpenAt(true, "fifo", 0, Write); errnoOf(t, err) != unix.ENXIO {
		t.Errorf("writing to a FIFO that nobody reads gives %v", err)
	}
	poller := must(wasiio.NewPoller())(t)
	defer closed(t, poller)
	in := must(opened(t, d, "fifo", 0, Read).ReadViaStream(0))(t)
	defer closed(t, in)
	nothing := func(when string) {
		t.Helper()
		ready, err := poller.Ready(in)
		n, readErr := in.Read(make([]byte, 8))
		if ready || n != 0 || err != nil || readErr != nil {
			t.Errorf("%s: ready %t, %v; read %d, %v", when, ready, err, n, readErr)
		}
	}
	nothing("before there is a writer")
	writer, err := d.OpenAt(true, "fifo", 0, Write)
	if err != nil {
		t.Fatal(err)
	}
	out := must(writer.WriteViaStream(7))(t)
	closed(t, writer)
	nothing("before anything is written")

	written := 0
	for {
		n, err := out.CheckWrite()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if err := out.Write(bytes.Repeat([]byte{'x'}, n-1)); err != nil {
			t.Fatal(err)
		}
		written += n - 1
	}
	if ready, err := poller.Ready(out); ready || err != nil || written < 16<<10 {
		t.Errorf("a full FIFO of %d bytes is ready: %t, %v", written, ready, err)
	}
	if err := poller.Block(in); err != nil {
		t.Fatal(err)
	}
	got := 0
	b := make([]byte, 5000)
	for got < written {
		n, err := in.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got += n
		if n == 0 { // what was kept goes out when the writer comes back
			if _, err := out.CheckWrite(); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing("after everything was read")
	closed(t, out)
	if err := poller.Block(in); err != nil {
		t.Fatal(err)
	}
	if n, err := in.Read(b); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the writer has gone read %d, %v", n, err)
	}
}

// TestFIFOWhoseReaderGoes: a stream that nobody reads any more is closed, and the process lives.
func TestFIFOWhoseReaderGoes(t *testing.T) {
	dir := t.TempDir()
	layout{"fifo |"}.make(t, dir)
	d := preopen(t, dir, Options{})
	reader := must(d.OpenAt(true, "fifo", 0, Read))(t)
	out := must(opened(t, d, "fifo", 0, Write).WriteViaStream(0))(t)
	defer closed(t, out)
	closed(t, reader)
	if _, err := out.CheckWrite(); err != nil {
		t.Fatal(err)
	}
	if err := out.Write([]byte("x")); !errors.Is(err, io.EOF) {
		t.Errorf("writing gives %v", err)
	}
}
