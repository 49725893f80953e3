package wasi

import (
	_ "embed"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/filesystem"
	"wasmgo/pkg/wasi/filesystem/beneath"
)

// files exports every function of wasi:filesystem; see testdata/README.md.
//
//go:embed testdata/files.component.wasm
var files []byte

// newFiles makes a guest that has a directory open, whose handle is 1.
func newFiles(t *testing.T, dir string, o beneath.Options) *guest {
	t.Helper()
	p := load(t, files)
	host, err := New(Config{Preopens: []filesystem.Preopen{preopen(t, dir, o)}})
	if err != nil {
		t.Fatal(err)
	}
	store := corewasm.NewStore(engine)
	t.Cleanup(func() {
		store.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	i, err := p.Instantiate(store, host.Interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{host, i.Instance("wasmgo:test/files")}
	g.play(t, []step{do(abi.List{abi.Record{root, text("/")}}, "get-directories")})
	return g
}

const root = uint32(1)

// code is a result that is an error-code.
func code(c filesystem.ErrorCode) abi.Value { return failed(abi.Variant{Case: uint32(c)}) }

func enum(c uint32) abi.Value { return abi.Variant{Case: c} }

func timestamp(s uint64, ns uint32) abi.Value {
	return abi.Variant{Case: 2, Payload: abi.Record{s, ns}}
}

var (
	follow, noFollow               = abi.Flags(1), abi.Flags(0)
	create, directory, noOpenFlags = abi.Flags(1), abi.Flags(2), abi.Flags(0)
	read, write, readWrite         = abi.Flags(1), abi.Flags(2), abi.Flags(3)
	noChange                       = enum(0)
)

// TestFilesystemFunctions has the functions of wasi:filesystem/types in the order of the WIT; "f" and "d" are a file and a directory.
func TestFilesystemFunctions(t *testing.T) {
	const f, d = uint32(2), uint32(3)
	open := []step{
		do(ok(f), "open-at", root, follow, text("f"), noOpenFlags, readWrite),
		do(ok(d), "open-at", root, follow, text("d"), directory, read),
	}
	regular, dir := enum(uint32(beneath.RegularFile)), enum(uint32(beneath.Directory))
	tests := []struct {
		name  string
		steps []step
		file  string // what is in "f" then
		timed bool   // its times are 5.000000006 and 7.000000008
	}{
		{"read-via-stream", []step{
			do(ok(uint32(4)), "read-via-stream", f, n(1)),
			do(ok(octets("el")), "input-stream-blocking-read", uint32(4), n(2)),
			do(ok(n(1)), "input-stream-skip", uint32(4), n(1)),
			do(nil, "descriptor-drop", f), // the stream goes on
			do(ok(octets("o")), "input-stream-blocking-read", uint32(4), n(9)),
			do(streamClosed(), "input-stream-blocking-read", uint32(4), n(9)),
			do(nil, "input-stream-drop", uint32(4)),
		}, "hello", false},
		{"write-via-stream", []step{
			do(ok(uint32(4)), "write-via-stream", f, n(4)),
			do(ok(n(1<<20)), "output-stream-check-write", uint32(4)),
			do(done(), "output-stream-write", uint32(4), octets("!")),
			do(done(), "output-stream-write", uint32(4), octets("!!")),
			do(done(), "output-stream-blocking-flush", uint32(4)),
			do(nil, "output-stream-drop", uint32(4)),
		}, "hell!!!", false},
		{"append-via-stream", []step{
			do(ok(uint32(4)), "append-via-stream", f),
			do(ok(n(1<<20)), "output-stream-check-write", uint32(4)),
			do(done(), "output-stream-write", uint32(4), octets(" w")),
			do(done(), "output-stream-write", uint32(4), octets("orld")),
		}, "hello world", false},
		{"advise", []step{do(done(), "advise", f, n(0), n(4096), enum(uint32(beneath.WillNeed)))}, "hello", false},
		{"sync-data", []step{do(done(), "sync-data", f)}, "hello", false},
		{"get-flags", []step{do(ok(readWrite), "get-flags", f), do(ok(abi.Flags(1|32)), "get-flags", d)}, "hello", false},
		{"get-type", []step{do(ok(regular), "get-type", f), do(ok(dir), "get-type", d)}, "hello", false},
		{"set-size", []step{do(done(), "set-size", f, n(2)), do(done(), "set-size", f, n(4))}, "he\x00\x00", false},
		{"set-times", []step{do(done(), "set-times", f, timestamp(5, 6), timestamp(7, 8))}, "hello", true},
		{"read", []step{
			do(ok(abi.Record{octets("ell"), false}), "read", f, n(3), n(1)),
			do(ok(abi.Record{octets("llo"), true}), "read", f, n(100), n(2)),
			do(ok(abi.Record{octets(""), true}), "read", f, n(100), n(5)),
			do(ok(abi.Record{octets(""), false}), "read", f, n(0), n(0)),
			do(code(filesystem.IsDirectory), "read", d, n(1), n(0)),
		}, "hello", false},
		{"write", []step{do(ok(n(2)), "write", f, octets("LL"), n(2)), do(code(filesystem.IsDirectory), "write", d, octets("x"), n(0))}, "heLLo", false},
		{"read-directory", []step{
			do(ok(uint32(4)), "read-directory", d),
			do(ok(some(abi.Record{regular, text("inside")})), "read-directory-entry", uint32(4)),
			do(ok(none()), "read-directory-entry", uint32(4)),
			do(nil, "directory-entry-stream-drop", uint32(4)),
			do(code(filesystem.NotDirectory), "read-directory", f),
		}, "hello", false},
		{"sync", []step{do(done(), "sync", f), do(done(), "sync", d)}, "hello", false},
		{"create-directory-at", []step{
			do(done(), "create-directory-at", d, text("new")),
			do(code(filesystem.Exist), "create-directory-at", root, text("d/new")),
		}, "hello", false},
		{"stat", []step{
			do(done(), "set-times", f, timestamp(5, 6), timestamp(7, 8)),
			do(done(), "set-times-at", root, noFollow, text("f"), noChange, timestamp(7, 8)),
		}, "hello", true},
		{"set-times-at", []step{
			do(done(), "set-times-at", root, follow, text("link"), timestamp(5, 6), timestamp(7, 8)),
			do(code(filesystem.NoEntry), "set-times-at", root, follow, text("none"), noChange, timestamp(7, 8)),
		}, "hello", true},
		{"link-at", []step{
			do(done(), "link-at", root, noFollow, text("f"), d, text("hard")),
			do(code(filesystem.NotPermitted), "link-at", root, noFollow, text("d"), d, text("other")),
			do(code(filesystem.Exist), "link-at", root, noFollow, text("f"), d, text("hard")),
		}, "hello", false},
		{"open-at", []step{
			do(ok(uint32(4)), "open-at", d, follow, text("new"), create, write),
			do(code(filesystem.NotDirectory), "open-at", root, follow, text("f"), directory, read),
			do(code(filesystem.Loop), "open-at", root, noFollow, text("link"), noOpenFlags, read),
			do(code(filesystem.NotPermitted), "open-at", root, follow, text("../d"), noOpenFlags, read),
			do(code(filesystem.NotPermitted), "open-at", root, follow, text("/f"), noOpenFlags, read),
			do(code(filesystem.Invalid), "open-at", root, follow, text("f\x00"), noOpenFlags, read),
			do(code(filesystem.NoEntry), "open-at", root, follow, text(""), noOpenFlags, read),
			do(code(filesystem.NoSuchDevice), "open-at", root, follow, text("fifo"), noOpenFlags, write),
		}, "hello", false},
		{"readlink-at", []step{
			do(ok(text("f")), "readlink-at", root, text("link")),
			do(code(filesystem.NotPermitted), "readlink-at", root, text("absolute")),
			do(code(filesystem.IllegalByteSequence), "readlink-at", root, text("latin")),
		}, "hello", false},
		{"remove-directory-at", []step{
			do(code(filesystem.NotEmpty), "remove-directory-at", root, text("d")),
			do(done(), "unlink-file-at", d, text("inside")),
			do(done(), "remove-directory-at", root, text("d")),
		}, "hello", false},
		{"rename-at", []step{
			do(done(), "rename-at", d, text("inside"), root, text("f")),
			do(code(filesystem.NoEntry), "rename-at", d, text("inside"), root, text("f")),
		}, "inside", false},
		{"symlink-at", []step{
			do(done(), "symlink-at", root, text("f"), text("d/link")),
			do(ok(text("f")), "readlink-at", d, text("link")),
			do(code(filesystem.NotPermitted), "symlink-at", root, text("/f"), text("new")),
		}, "hello", false},
		{"unlink-file-at", []step{
			do(done(), "unlink-file-at", root, text("link")),
			do(code(filesystem.IsDirectory), "unlink-file-at", root, text("d")),
		}, "hello", false},
		{"is-same-object", []step{
			do(ok(uint32(4)), "open-at", root, follow, text("link"), noOpenFlags, read),
			do(true, "is-same-object", f, uint32(4)),
			do(false, "is-same-object", f, d),
		}, "hello", false},
		{"filesystem-error-code", []step{
			do(ok(uint32(4)), "write-via-stream", f, n(1<<62)),
			do(ok(n(1<<20)), "output-stream-check-write", uint32(4)),
			do(lastFailed(5), "output-stream-write", uint32(4), octets("x")),
			do(some(enum(uint32(filesystem.FileTooLarge))), "filesystem-error-code", uint32(5)),
			do(nil, "error-drop", uint32(5)),
			do(streamClosed(), "output-stream-check-write", uint32(4)),
		}, "hello", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filesFor(t)
			g := newFiles(t, dir, beneath.Options{})
			g.play(t, open)
			g.play(t, tt.steps)
			if tt.timed {
				g.isTimed(t, f)
			}
			if b, err := os.ReadFile(dir + "/f"); err != nil || string(b) != tt.file {
				t.Errorf("the file is %q, %v, want %q", b, err, tt.file)
			}
		})
	}
}

// isTimed checks what stat says of the file "f", whose times were set.
func (g *guest) isTimed(t *testing.T, f uint32) {
	t.Helper()
	regular := enum(uint32(beneath.RegularFile))
	accessed, modified := some(abi.Record{uint64(5), uint32(6)}), some(abi.Record{uint64(7), uint32(8)})
	stat := plain(ok(abi.Record{regular, n(1), n(5), accessed, modified})).(abi.Variant).Payload.([]abi.Value)
	for _, got := range []abi.Value{g.call(t, "stat", f), g.call(t, "stat-at", root, follow, text("link"))} {
		fields := plain(got).(abi.Variant).Payload.([]abi.Value)
		if !reflect.DeepEqual(fields[:5], stat) {
			t.Errorf("stat is %v, want %v", fields, stat)
		}
	}
}

// filesFor makes the directory of a test.
func filesFor(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"f": "hello", "d/inside": "inside"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "f", "absolute": "/f", "latin": "caf\xe9"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestMetadataHashThroughAGuest: the hash is that of the file, however it is reached, and in whichever instance.
func TestMetadataHashThroughAGuest(t *testing.T) {
	dir := filesFor(t)
	var hashes []abi.Value
	for range 2 {
		g := newFiles(t, dir, beneath.Options{})
		f := g.call(t, "open-at", root, follow, text("f"), noOpenFlags, read).(abi.Variant).Payload
		hashes = append(hashes, g.call(t, "metadata-hash", f), g.call(t, "metadata-hash-at", root, follow, text("link")))
	}
	for _, h := range hashes[1:] {
		if !reflect.DeepEqual(h, hashes[0]) {
			t.Errorf("the hashes are %v", hashes)
		}
	}
}

// TestReadOnlyPreopen: read-only is an error of its own, which programs ask for.
func TestReadOnlyPreopen(t *testing.T) {
	g := newFiles(t, filesFor(t), beneath.Options{ReadOnly: true})
	g.play(t, []step{
		do(ok(abi.Flags(1)), "get-flags", root),
		do(code(filesystem.ReadOnly), "open-at", root, follow, text("f"), noOpenFlags, write),
		do(code(filesystem.ReadOnly), "create-directory-at", root, text("new")),
	})
}

// TestPreopensAreGivenAnew: what a guest drops it can ask for again.
func TestPreopensAreGivenAnew(t *testing.T) {
	g := newFiles(t, filesFor(t), beneath.Options{Root: true})
	g.play(t, []step{
		do(nil, "descriptor-drop", root),
		do(abi.List{abi.Record{root, text("/")}}, "get-directories"),
		do(ok(uint32(2)), "open-at", root, follow, text("absolute"), noOpenFlags, read),
		do(ok(text("/f")), "readlink-at", root, text("absolute")),
		do(abi.List{abi.Record{uint32(3), text("/")}}, "get-directories"),
	})
}
