package component

import (
	_ "embed"
	"errors"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/wit"
)

//go:embed testdata/hello.component.wasm
var hello []byte

// A world is as much of WASI as hello.component.wasm imports. Its standard output is text.
type world struct {
	stdout strings.Builder
	status error // how exit was called
}

type (
	ioError      struct{}
	inputStream  struct{}
	outputStream struct{ to *strings.Builder }
	descriptor   struct{}
	errorCode    uint8
	fileType     uint8
	streamError  struct{ closed bool }
	datetime     struct {
		seconds     uint64
		nanoseconds uint32
	}
	descriptorStat struct {
		kind                       fileType
		links, size                uint64
		accessed, modified, status *datetime
	}
	directory struct {
		descriptor *descriptor
		path       string
	}
)

var errUnsupported = errors.New("unsupported")

// interfaces are what the world provides, each as its WIT has it.
func (w *world) interfaces() []*wit.Interface {
	errs := wit.NewClass[*ioError]("error", nil)
	inputs := wit.NewClass[*inputStream]("input-stream", nil)
	outputs := wit.NewClass[*outputStream]("output-stream", nil)
	descriptors := wit.NewClass[*descriptor]("descriptor", nil)

	streamErr := wit.Variant(
		wit.Case("last-operation-failed", errs.Own(), func(*ioError) streamError { return streamError{} },
			func(s streamError) (*ioError, bool) { return &ioError{}, !s.closed }),
		wit.Case("closed", wit.None, func(struct{}) streamError { return streamError{closed: true} },
			func(s streamError) (struct{}, bool) { return struct{}{}, s.closed }))
	closed := func(error) (streamError, bool) { return streamError{closed: true}, true }
	self := wit.Param("self", outputs.Borrow())
	contents := wit.Param("contents", wit.View)
	write := func(_ *wit.Call, o *outputStream, b []byte) (struct{}, error) {
		_, err := o.to.Write(b)
		return struct{}{}, err
	}

	codes := wit.Enum[errorCode]("access", "would-block", "already", "bad-descriptor", "busy", "deadlock", "quota", "exist",
		"file-too-large", "illegal-byte-sequence", "in-progress", "interrupted", "invalid", "io", "is-directory", "loop", "too-many-links",
		"message-size", "name-too-long", "no-device", "no-entry", "no-lock", "insufficient-memory", "insufficient-space", "not-directory",
		"not-empty", "not-recoverable", "unsupported", "no-tty", "no-such-device", "overflow", "not-permitted", "pipe", "read-only",
		"invalid-seek", "text-file-busy", "cross-device")
	unsupported := func(err error) (errorCode, bool) { return 27, errors.Is(err, errUnsupported) }
	kinds := wit.Enum[fileType]("unknown", "block-device", "character-device", "directory", "fifo", "symbolic-link", "regular-file", "socket")
	times := wit.Record(
		wit.Field("seconds", wit.U64, func(d *datetime) *uint64 { return &d.seconds }),
		wit.Field("nanoseconds", wit.U32, func(d *datetime) *uint32 { return &d.nanoseconds }))
	stats := wit.Record(
		wit.Field("type", kinds, func(s *descriptorStat) *fileType { return &s.kind }),
		wit.Field("link-count", wit.U64, func(s *descriptorStat) *uint64 { return &s.links }),
		wit.Field("size", wit.U64, func(s *descriptorStat) *uint64 { return &s.size }),
		wit.Field("data-access-timestamp", wit.Option(times), func(s *descriptorStat) **datetime { return &s.accessed }),
		wit.Field("data-modification-timestamp", wit.Option(times), func(s *descriptorStat) **datetime { return &s.modified }),
		wit.Field("status-change-timestamp", wit.Option(times), func(s *descriptorStat) **datetime { return &s.status }))
	directories := wit.Tuple(
		wit.Field("0", descriptors.Own(), func(d *directory) **descriptor { return &d.descriptor }),
		wit.Field("1", wit.String, func(d *directory) *string { return &d.path }))
	file := wit.Param("self", descriptors.Borrow())

	return []*wit.Interface{
		wit.NewInterface("wasi:io/error@0.2.0", errs),
		wit.NewInterface("wasi:io/streams@0.2.0", errs, inputs, outputs, wit.Named("stream-error", streamErr),
			wit.Func1("[method]output-stream.check-write", self, wit.Result(wit.U64, streamErr, closed),
				func(*wit.Call, *outputStream) (uint64, error) { return 4096, nil }),
			wit.Func2("[method]output-stream.write", self, contents, wit.Result(wit.None, streamErr, closed), write),
			wit.Func2("[method]output-stream.blocking-write-and-flush", self, contents, wit.Result(wit.None, streamErr, closed), write),
			wit.Func1("[method]output-stream.blocking-flush", self, wit.Result(wit.None, streamErr, closed),
				func(*wit.Call, *outputStream) (n struct{}, err error) { return n, nil })),
		wit.NewInterface("wasi:cli/exit@0.2.0",
			wit.Func1("exit", wit.Param("status", wit.Either(wit.None, wit.None)), wit.None,
				func(_ *wit.Call, status wit.Outcome[struct{}, struct{}]) (n struct{}, err error) {
					w.status = errors.New("exit")
					return n, w.status
				})),
		wit.NewInterface("wasi:cli/stdin@0.2.0", inputs,
			wit.Func0("get-stdin", inputs.Own(), func(*wit.Call) (*inputStream, error) { return &inputStream{}, nil })),
		wit.NewInterface("wasi:cli/stdout@0.2.0", outputs,
			wit.Func0("get-stdout", outputs.Own(), func(*wit.Call) (*outputStream, error) { return &outputStream{&w.stdout}, nil })),
		wit.NewInterface("wasi:cli/stderr@0.2.0", outputs,
			wit.Func0("get-stderr", outputs.Own(), func(*wit.Call) (*outputStream, error) { return &outputStream{&w.stdout}, nil })),
		wit.NewInterface("wasi:clocks/monotonic-clock@0.2.0", wit.Named("instant", wit.U64),
			wit.Func0("now", wit.U64, func(*wit.Call) (uint64, error) { return 1, nil })),
		wit.NewInterface("wasi:clocks/wall-clock@0.2.0", wit.Named("datetime", times),
			wit.Func0("now", times, func(*wit.Call) (datetime, error) { return datetime{2, 3}, nil })),
		wit.NewInterface("wasi:filesystem/types@0.2.0", errs, outputs, descriptors,
			wit.Named("datetime", times), wit.Named("error-code", codes), wit.Named("descriptor-type", kinds),
			wit.Named("filesize", wit.U64), wit.Named("link-count", wit.U64), wit.Named("descriptor-stat", stats),
			wit.Func2("[method]descriptor.write-via-stream", file, wit.Param("offset", wit.U64),
				wit.Result(outputs.Own(), codes, unsupported),
				func(*wit.Call, *descriptor, uint64) (*outputStream, error) { return nil, errUnsupported }),
			wit.Func1("[method]descriptor.append-via-stream", file, wit.Result(outputs.Own(), codes, unsupported),
				func(*wit.Call, *descriptor) (*outputStream, error) { return nil, errUnsupported }),
			wit.Func1("[method]descriptor.get-type", file, wit.Result(kinds, codes, unsupported),
				func(*wit.Call, *descriptor) (fileType, error) { return 3, nil }),
			wit.Func1("[method]descriptor.stat", file, wit.Result(stats, codes, unsupported),
				func(*wit.Call, *descriptor) (s descriptorStat, err error) { return s, errUnsupported }),
			wit.Func1("filesystem-error-code", wit.Param("err", errs.Borrow()), wit.Option(codes),
				func(*wit.Call, *ioError) (*errorCode, error) { return nil, nil })),
		wit.NewInterface("wasi:filesystem/preopens@0.2.0", descriptors,
			wit.Func0("get-directories", wit.List(directories), func(*wit.Call) ([]directory, error) {
				return []directory{{&descriptor{}, "/"}, {&descriptor{}, "/data"}}, nil
			})),
		wit.NewInterface("wasi:random/random@0.2.0",
			wit.Func1("get-random-bytes", wit.Param("len", wit.U64), wit.Bytes,
				func(_ *wit.Call, n uint64) ([]byte, error) { return make([]byte, n), nil })),
	}
}

func loadHello(t testing.TB) (*wasmtime.Engine, *Program) {
	t.Helper()
	engine := newEngine(t)
	p, err := Load(hello, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine, module) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return engine, p
}

// TestCommand runs a WASI 0.2 command that the usual tools have made, on a host of version 0.2.0 where it asks for 0.2.12.
func TestCommand(t *testing.T) {
	engine, p := loadHello(t)
	store := corewasm.NewStore(engine)
	defer store.Close()
	var w world
	i, err := p.Instantiate(store, w.interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	if i.Compatible("wasi:cli/run@0.3.0") != nil || i.Compatible("run") != nil {
		t.Error("an export of another version was found")
	}
	got, err := i.Compatible("wasi:cli/run@0.2.0").Func("run").Call()
	if err != nil || got[0] != (abi.Variant{Case: 0}) {
		t.Errorf("run returned %v, %v, want ok", got, err)
	}
	if out := w.stdout.String(); out != "hello from a component\n" {
		t.Errorf("standard output is %q", out)
	}
}

// TestCommandNamesWhatIsMissing: all of it at once.
func TestCommandNamesWhatIsMissing(t *testing.T) {
	_, p := loadHello(t)
	var w world
	err := p.Check(w.interfaces()[2:]...)
	for _, want := range []string{`import "wasi:io/error@0.2.12": nobody provides it`, `import "wasi:io/streams@0.2.12": nobody provides it`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func BenchmarkInstantiateCommand(b *testing.B) {
	engine, p := loadHello(b)
	b.ReportAllocs()
	for b.Loop() {
		store := corewasm.NewStore(engine)
		var w world
		if _, err := p.Instantiate(store, w.interfaces()...); err != nil {
			b.Fatal(err)
		}
		store.Close()
	}
}
