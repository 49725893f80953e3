package keyvalue

import (
	"errors"
	"fmt"
	"math"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// Versions of the package wasi:keyvalue.
const (
	draft  = "@0.2.0-draft"
	draft2 = "@0.2.0-draft2"
)

// A Host is wasi:keyvalue for one instance.
type Host struct {
	io    *wasiio.Host
	store Store

	buckets *wit.Class[Bucket]
	cas     *wit.Class[*cas]
	pinned  int // bytes that handles of compare-and-swap keep
}

// New makes a host of a store, which may be others' too.
func New(io *wasiio.Host, s Store) *Host {
	h := &Host{io: io, store: s}
	h.buckets = wit.NewClass[Bucket]("bucket", nil)
	h.cas = wit.NewClass("cas", h.unpin)
	return h
}

// Interfaces are those of all versions of the package wasi:keyvalue that a component imports.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:keyvalue/store"+draft, h.storeDraft),
		wit.Later("wasi:keyvalue/atomics"+draft, h.atomicsDraft),
		wit.Later("wasi:keyvalue/batch"+draft, func() *wit.Interface { return h.batch(draft) }),
		wit.Later("wasi:keyvalue/store"+draft2, h.storeDraft2),
		wit.Later("wasi:keyvalue/atomics"+draft2, h.atomicsDraft2),
		wit.Later("wasi:keyvalue/batch"+draft2, func() *wit.Interface { return h.batch(draft2) }),
	}
}

// Reset drops the handles that a guest has left.
func (h *Host) Reset() {
	h.cas.Close()
	h.buckets.Close()
}

// Close is Reset.
func (h *Host) Close() error {
	h.Reset()
	return nil
}

// failure is the variant error of the interface store.
type failure struct {
	kind failureKind
	text string // of other
}

type failureKind uint8

const (
	noSuchStore failureKind = iota
	accessDenied
	other
)

// failureType is: variant error { no-such-store, access-denied, other(string) }
var failureType = wit.Variant(
	wit.Case("no-such-store", wit.None, plain(noSuchStore), isPlain(noSuchStore)),
	wit.Case("access-denied", wit.None, plain(accessDenied), isPlain(accessDenied)),
	wit.Case("other", wit.String, func(s string) failure { return failure{other, s} }, func(f failure) (string, bool) { return f.text, f.kind == other }),
)

func plain(k failureKind) func(struct{}) failure {
	return func(struct{}) failure { return failure{kind: k} }
}

func isPlain(k failureKind) func(failure) (struct{}, bool) {
	return func(f failure) (none struct{}, ok bool) { return none, f.kind == k }
}

// ended is an error that is the end of the guest, and no guest's to handle.
type ended struct{ error }

func (e ended) Unwrap() error { return e.error }

// failureOf is an error as guests see it.
func failureOf(err error) (f failure, ok bool) {
	if _, end := errors.AsType[ended](err); end {
		return f, false
	}
	switch {
	case errors.Is(err, ErrNoSuchStore):
		return failure{kind: noSuchStore}, true
	case errors.Is(err, ErrAccessDenied):
		return failure{kind: accessDenied}, true
	}
	return failure{other, err.Error()}, true
}

// result is result<T, error>.
func result[T any](t wit.Type[T]) wit.Type[T] { return wit.Result(t, failureType, failureOf) }

// value is option<list<u8>>.
var value = wit.Option(wit.Bytes)

// optional is a value that may be nil as an option.
func optional(b []byte) *[]byte {
	if b == nil {
		return nil
	}
	return &b
}

var errNegative = errors.New("the number is negative, which version 0.2.0-draft of wasi:keyvalue has no type for")

// unsigned is a number as version 0.2.0-draft has it.
func unsigned(n int64) (uint64, error) {
	if n < 0 {
		return 0, fmt.Errorf("%d: %w", n, errNegative)
	}
	return uint64(n), nil
}

// signed is the reverse.
func signed(n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%d is more than a number can grow by, which is %d", n, int64(math.MaxInt64))
	}
	return int64(n), nil
}
