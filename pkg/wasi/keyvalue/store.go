package keyvalue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"wasmgo/pkg/component/wit"
)

// numbered and worded are the record key-response in the two versions.
type numbered struct {
	keys   []string
	cursor *uint64
}

type worded struct {
	keys   []string
	cursor *string
}

var (
	numberedType = wit.Record(
		wit.Field("keys", wit.List(wit.String), func(r *numbered) *[]string { return &r.keys }),
		wit.Field("cursor", wit.Option(wit.U64), func(r *numbered) **uint64 { return &r.cursor }))
	wordedType = wit.Record(
		wit.Field("keys", wit.List(wit.String), func(r *worded) *[]string { return &r.keys }),
		wit.Field("cursor", wit.Option(wit.String), func(r *worded) **string { return &r.cursor }))
)

// storeDraft is the interface wasi:keyvalue/store of version 0.2.0-draft.
func (h *Host) storeDraft() *wit.Interface {
	return wit.NewInterface("wasi:keyvalue/store"+draft, append(h.bucketItems(),
		wit.Named("key-response", numberedType),
		// list-keys: func(cursor: option<u64>) -> result<key-response, error>
		wit.Func2("[method]bucket.list-keys", h.self(), wit.Param("cursor", wit.Option(wit.U64)), result(numberedType),
			func(_ *wit.Call, b Bucket, cursor *uint64) (r numbered, err error) {
				from := uint64(0)
				if cursor != nil {
					from = *cursor
				}
				page, err := h.page(b, from)
				if page.Next != 0 {
					r.cursor = &page.Next
				}
				r.keys = page.Keys
				return r, err
			}),
	)...)
}

// storeDraft2 is the interface wasi:keyvalue/store of version 0.2.0-draft2.
func (h *Host) storeDraft2() *wit.Interface {
	return wit.NewInterface("wasi:keyvalue/store"+draft2, append(h.bucketItems(),
		wit.Named("key-response", wordedType),
		// list-keys: func(cursor: option<string>) -> result<key-response, error>
		wit.Func2("[method]bucket.list-keys", h.self(), wit.Param("cursor", wit.Option(wit.String)), result(wordedType),
			func(_ *wit.Call, b Bucket, cursor *string) (r worded, err error) {
				from := uint64(0)
				if cursor != nil {
					if from, err = strconv.ParseUint(*cursor, 10, 64); err != nil {
						return r, fmt.Errorf("%w: %.40q", errCursor, *cursor)
					}
				}
				page, err := h.page(b, from)
				if page.Next != 0 {
					next := strconv.FormatUint(page.Next, 10)
					r.cursor = &next
				}
				r.keys = page.Keys
				return r, err
			}),
	)...)
}

var errCursor = errors.New("a cursor that list-keys has not returned")

func (h *Host) self() wit.Parameter[Bucket] { return wit.Param("self", h.buckets.Borrow()) }

func (h *Host) page(b Bucket, from uint64) (Page, error) {
	return ask(h, func(ctx context.Context) (Page, error) { return b.Keys(ctx, from) })
}

// bucketItems is what the versions of the interface store have in common.
func (h *Host) bucketItems() []wit.Item {
	self, key := h.self(), wit.Param("key", wit.String)
	return []wit.Item{
		wit.Named("error", failureType), h.buckets,
		// open: func(identifier: string) -> result<bucket, error>
		wit.Func1("open", wit.Param("identifier", wit.String), result(h.buckets.Own()), func(_ *wit.Call, name string) (Bucket, error) {
			if err := CheckName(name); err != nil {
				return nil, err
			}
			return h.store.Open(name)
		}),
		// get: func(key: string) -> result<option<list<u8>>, error>
		wit.Func2("[method]bucket.get", self, key, result(value), func(_ *wit.Call, b Bucket, key string) (*[]byte, error) {
			values, err := ask(h, func(ctx context.Context) ([][]byte, error) { return b.Get(ctx, key) })
			if err != nil {
				return nil, err
			}
			return optional(values[0]), nil
		}),
		// set: func(key: string, value: list<u8>) -> result<_, error>
		wit.Func3("[method]bucket.set", self, key, wit.Param("value", wit.View), result(wit.None),
			func(_ *wit.Call, b Bucket, key string, value []byte) (none struct{}, err error) {
				return none, h.do(func(ctx context.Context) error { return b.Set(ctx, Pair{key, value}) })
			}),
		// delete: func(key: string) -> result<_, error>
		wit.Func2("[method]bucket.delete", self, key, result(wit.None), func(_ *wit.Call, b Bucket, key string) (none struct{}, err error) {
			return none, h.do(func(ctx context.Context) error { return b.Delete(ctx, key) })
		}),
		// exists: func(key: string) -> result<bool, error>
		wit.Func2("[method]bucket.exists", self, key, result(wit.Bool), func(_ *wit.Call, b Bucket, key string) (bool, error) {
			return ask(h, func(ctx context.Context) (bool, error) { return b.Exists(ctx, key) })
		}),
	}
}
