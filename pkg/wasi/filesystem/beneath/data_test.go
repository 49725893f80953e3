package beneath

import (
	"errors"
	"io"
	"math"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

func TestReadAndWrite(t *testing.T) {
	dir := t.TempDir()
	d := preopen(t, dir, Options{})
	f := opened(t, d, "file", Create, Read|Write)
	if n, err := f.Write([]byte("hello"), 3); n != 5 || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	for _, tt := range []struct {
		name           string
		length, offset uint64
		readable       int
		want           string
	}{
		{"from the beginning", 100, 0, 8, "\x00\x00\x00hello"},
		{"a part", 2, 4, 2, "el"},
		{"the end", 100, 7, 1, "o"},
		{"at the end", 100, 8, 0, ""},
		{"behind the end", 100, 1 << 40, 0, ""},
		{"nothing", 0, 0, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := f.Readable(tt.length, tt.offset)
			if n != tt.readable || err != nil {
				t.Errorf("readable are %d, %v, want %d", n, err, tt.readable)
			}
			b := make([]byte, tt.length)
			n, err = f.Read(b, tt.offset)
			if string(b[:n]) != tt.want || err != nil {
				t.Errorf("read %q, %v, want %q", b[:n], err, tt.want)
			}
		})
	}
	reader := opened(t, d, "file", 0, Read)
	writer := opened(t, d, "file", 0, Write)
	fifo := unix.Mkfifo(dir+"/fifo", 0o600)
	if fifo != nil {
		t.Fatal(fifo)
	}
	pipe := opened(t, d, "fifo", 0, Read)
	read := func(d *Descriptor, at uint64) error { _, err := d.Read(make([]byte, 1), at); return err }
	write := func(d *Descriptor, at uint64) error { _, err := d.Write([]byte("x"), at); return err }
	readable := func(d *Descriptor) error { _, err := d.Readable(1, 0); return err }
	stream := func(_ any, err error) error { return err }
	for name, tt := range map[string]struct {
		err  error
		want unix.Errno
	}{
		"read what is written":            {read(writer, 0), unix.EBADF},
		"readable of what is written":     {readable(writer), unix.EBADF},
		"write what is read":              {write(reader, 0), unix.EBADF},
		"read a directory":                {read(d, 0), unix.EISDIR},
		"write a directory":               {write(d, 0), unix.EISDIR},
		"read a FIFO at an offset":        {read(pipe, 0), unix.ESPIPE},
		"read at no offset":               {read(f, math.MaxUint64), unix.EINVAL},
		"write at no offset":              {write(f, math.MaxUint64), unix.EINVAL},
		"write at the end of all offsets": {write(f, math.MaxInt64), unix.EINVAL},
		"resize a directory":              {d.SetSize(0), unix.EISDIR},
		"resize what is read":             {reader.SetSize(0), unix.EINVAL},
		"resize beyond all sizes":         {f.SetSize(math.MaxUint64), unix.EFBIG},
		"advise beyond all offsets":       {f.Advise(math.MaxUint64, 0, Normal), unix.EINVAL},
		"advise a FIFO":                   {pipe.Advise(0, 0, Normal), unix.ESPIPE},
		"stream what is written":          {stream(writer.ReadViaStream(0)), unix.EBADF},
		"stream to what is read":          {stream(reader.WriteViaStream(0)), unix.EBADF},
		"append to what is read":          {stream(reader.AppendViaStream()), unix.EBADF},
		"stream a directory":              {stream(d.ReadViaStream(0)), unix.EISDIR},
		"stream to a directory":           {stream(d.WriteViaStream(0)), unix.EISDIR},
		"append to a directory":           {stream(d.AppendViaStream()), unix.EISDIR},
		"stream from no offset":           {stream(f.ReadViaStream(math.MaxUint64)), unix.EINVAL},
		"stream to no offset":             {stream(f.WriteViaStream(math.MaxUint64)), unix.EINVAL},
		"sync":                            {f.Sync(), 0}, "sync what is read": {reader.Sync(), 0}, "sync a FIFO that is read": {pipe.Sync(), 0},
		"sync a directory": {d.Sync(), 0}, "sync data": {f.SyncData(), 0}, "sync data of a directory": {d.SyncData(), 0},
		"advise": {f.Advise(0, 0, WillNeed), 0},
	} {
		if got := errnoOf(t, tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", name, tt.err, tt.want)
		}
	}
	if err := f.SetSize(4); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(dir + "/file"); string(b) != "\x00\x00\x00h" || err != nil {
		t.Errorf("the file is %q, %v", b, err)
	}
}

func TestAdviceIsTheKernels(t *testing.T) {
	f := opened(t, preopen(t, t.TempDir(), Options{}), "file", Create, Read)
	for a := Normal; a <= NoReuse; a++ {
		if err := f.Advise(0, 4096, a); err != nil {
			t.Errorf("advice %d: %v", a, err)
		}
	}
}

// all reads a stream that never has nothing for now.
func all(t *testing.T, s wasiio.InputStream, at int) string {
	t.Helper()
	var got []byte
	b := make([]byte, at)
	for {
		n, err := s.Read(b)
		got = append(got, b[:n]...)
		if errors.Is(err, io.EOF) {
			return string(got)
		}
		if err != nil || n == 0 {
			t.Fatalf("read %d, %v", n, err)
		}
	}
}

// TestStreams: those of one file have each an offset of its own, and outlive the descriptor.
func TestStreams(t *testing.T) {
	dir := t.TempDir()
	d := preopen(t, dir, Options{})
	f, err := d.OpenAt(true, "file", Create, Read|Write)
	if err != nil {
		t.Fatal(err)
	}
	first, second := must(f.WriteViaStream(0))(t), must(f.WriteViaStream(6))(t)
	end := must(f.AppendViaStream())(t)
	in, late := must(f.ReadViaStream(0))(t), must(f.ReadViaStream(7))(t)
	closed(t, f)
	write := func(s wasiio.OutputStream, what string) {
		t.Helper()
		if n, err := s.CheckWrite(); n < len(what) || err != nil {
			t.Fatalf("may write %d, %v", n, err)
		}
		if err := errors.Join(s.Write([]byte(what)), s.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	write(first, "abc")
	write(second, "g")
	write(first, "def")
	write(end, "XY")
	write(second, "h")
	write(end, "Z")
	if n, err := in.(wasiio.Skipper).Skip(2); n != 2 || err != nil {
		t.Errorf("skipped %d, %v", n, err)
	}
	if got := all(t, in, 3); got != "cdefghYZ" {
		t.Errorf("read %q", got)
	}
	if n, err := in.(wasiio.Skipper).Skip(1); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end skipped %d, %v", n, err)
	}
	if got := all(t, late, 100); got != "hYZ" {
		t.Errorf("read %q", got)
	}
	for _, s := range []io.Closer{first, second, end, in, late} {
		closed(t, s)
	}
}

// TestStreamsKnowTheirSize: what is left, for reads that are worth asking for; nothing where only reading tells.
func TestStreamsKnowTheirSize(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"file": 100_000, "empty": 0} {
		if err := os.WriteFile(dir+"/"+name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := preopen(t, dir, Options{})
	for _, tt := range []struct {
		name, file string
		at         uint64
		limit      int
		want       int
	}{
		{"more than there is", "file", 0, 1 << 20, 100_000},
		{"a part", "file", 0, 50_000, 50_000},
		{"what is left", "file", 90_000, 1 << 20, 10_000},
		{"a small part", "file", 0, 4096, 0},
		{"at the end", "file", 100_000, 1 << 20, 0},
		{"behind the end", "file", 1 << 40, 1 << 20, 0},
		{"an empty file", "empty", 0, 1 << 20, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := must(opened(t, d, tt.file, 0, Read).ReadViaStream(tt.at))(t)
			defer closed(t, s)
			if got := s.(wasiio.Sized).Size(tt.limit); got != tt.want {
				t.Errorf("is %d, want %d", got, tt.want)
			}
		})
	}
}

// TestAppendWithoutTheKernel: where pwritev2(2) is not to be had, the end is looked for.
func TestAppendWithoutTheKernel(t *testing.T) {
	dir := t.TempDir()
	layout{"file"}.make(t, dir)
	f := opened(t, preopen(t, dir, Options{}), "file", 0, Write)
	s := must(f.AppendViaStream())(t)
	defer closed(t, s)
	s.(*appendOutput).plain = true
	for range 2 {
		if err := s.Write([]byte("!")); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(dir + "/file"); string(b) != "file!!" || err != nil {
		t.Errorf("the file is %q, %v", b, err)
	}
}
