package keyvalue

import (
	"context"
	"errors"
	"fmt"

	"wasmgo/pkg/component/wit"
)

// atomicsDraft is the interface wasi:keyvalue/atomics of version 0.2.0-draft.
func (h *Host) atomicsDraft() *wit.Interface {
	return wit.NewInterface("wasi:keyvalue/atomics"+draft,
		h.buckets, wit.Named("error", failureType), // use store.{bucket, error}
		// increment: func(bucket: borrow<bucket>, key: string, delta: u64) -> result<u64, error>
		wit.Func3("increment", wit.Param("bucket", h.buckets.Borrow()), wit.Param("key", wit.String), wit.Param("delta", wit.U64), result(wit.U64),
			func(_ *wit.Call, b Bucket, key string, delta uint64) (uint64, error) {
				by, err := signed(delta)
				if err != nil {
					return 0, err
				}
				n, err := h.increment(b, key, by)
				if err != nil {
					return 0, err
				}
				return unsigned(n)
			}),
	)
}

// atomicsDraft2 is the interface wasi:keyvalue/atomics of version 0.2.0-draft2.
func (h *Host) atomicsDraft2() *wit.Interface {
	return wit.NewInterface("wasi:keyvalue/atomics"+draft2,
		h.buckets, wit.Named("error", failureType), // use store.{bucket, error}
		h.cas,
		wit.Named("cas-error", h.casErrorType()),
		// new: static func(bucket: borrow<bucket>, key: string) -> result<cas, error>
		wit.Func2("[static]cas.new", wit.Param("bucket", h.buckets.Borrow()), wit.Param("key", wit.String), result(h.cas.Own()),
			func(_ *wit.Call, b Bucket, key string) (*cas, error) {
				values, err := ask(h, func(ctx context.Context) ([][]byte, error) { return b.Get(ctx, key) })
				if err != nil {
					return nil, err
				}
				return h.pin(b, key, values[0])
			}),
		// current: func() -> result<option<list<u8>>, error>
		wit.Func1("[method]cas.current", wit.Param("self", h.cas.Borrow()), result(value),
			func(_ *wit.Call, c *cas) (*[]byte, error) { return optional(c.value), nil }),
		// increment: func(bucket: borrow<bucket>, key: string, delta: s64) -> result<s64, error>
		wit.Func3("increment", wit.Param("bucket", h.buckets.Borrow()), wit.Param("key", wit.String), wit.Param("delta", wit.S64), result(wit.S64),
			func(_ *wit.Call, b Bucket, key string, delta int64) (int64, error) { return h.increment(b, key, delta) }),
		// swap: func(cas: cas, value: list<u8>) -> result<_, cas-error>
		wit.Func2("swap", wit.Param("cas", h.cas.Own()), wit.Param("value", wit.View), wit.Result(wit.None, h.casErrorType(), casErrorOf),
			func(_ *wit.Call, c *cas, value []byte) (none struct{}, err error) { return none, h.swap(c, value) }),
	)
}

func (h *Host) increment(b Bucket, key string, delta int64) (int64, error) {
	return ask(h, func(ctx context.Context) (int64, error) { return b.Increment(ctx, key, delta) })
}

// A cas is the resource of that name: what a value was when it was looked at. That it has become another one and is the same again since
// is nothing that swap minds.
type cas struct {
	bucket Bucket
	key    string
	value  []byte // nil if there was none
}

// A casFailed is the error of a swap that came too late.
type casFailed struct{ again *cas }

func (*casFailed) Error() string { return "the value is another one by now" }

// casError is the variant cas-error.
type casError struct {
	failure failure
	again   *cas // or nil
}

// casErrorType is: variant cas-error { store-error(error), cas-failed(cas) }
func (h *Host) casErrorType() wit.Type[casError] {
	return wit.Variant(
		wit.Case("store-error", failureType, func(f failure) casError { return casError{failure: f} },
			func(e casError) (failure, bool) { return e.failure, e.again == nil }),
		wit.Case("cas-failed", h.cas.Own(), func(c *cas) casError { return casError{again: c} },
			func(e casError) (*cas, bool) { return e.again, e.again != nil }),
	)
}

func casErrorOf(err error) (casError, bool) {
	if late, ok := errors.AsType[*casFailed](err); ok {
		return casError{again: late.again}, true
	}
	f, ok := failureOf(err)
	return casError{failure: f}, ok
}

func (h *Host) swap(c *cas, value []byte) error {
	h.unpin(c)
	var now []byte
	swapped, err := ask(h, func(ctx context.Context) (swapped bool, err error) {
		now, swapped, err = c.bucket.Swap(ctx, c.key, c.value, value)
		return swapped, err
	})
	if err != nil || swapped {
		return err
	}
	again, err := h.pin(c.bucket, c.key, now)
	if err != nil {
		return err
	}
	return &casFailed{again}
}

// maxPinned bounds the bytes that the handles of one guest keep, whatever becomes of the values in their buckets.
const maxPinned = 16 << 20

// pin makes a handle.
func (h *Host) pin(b Bucket, key string, value []byte) (*cas, error) {
	c := &cas{b, key, value}
	if h.pinned+c.size() > maxPinned {
		return nil, fmt.Errorf("the handles of compare-and-swap that are open keep more than %d MiB", maxPinned>>20)
	}
	h.pinned += c.size()
	return c, nil
}

func (h *Host) unpin(c *cas) { h.pinned -= c.size() }

func (c *cas) size() int {
	const overhead = 128
	return len(c.key) + len(c.value) + overhead
}
