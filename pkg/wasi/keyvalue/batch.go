package keyvalue

import (
	"context"

	"wasmgo/pkg/component/wit"
)

// pairType is tuple<string, list<u8>>, and givenPair the same as a parameter.
var (
	pairType  = newPairType(wit.Bytes)
	givenPair = newPairType(wit.View)
)

func newPairType(octets wit.Type[[]byte]) wit.Type[Pair] {
	return wit.Tuple(
		wit.Field("0", wit.String, func(p *Pair) *string { return &p.Key }),
		wit.Field("1", octets, func(p *Pair) *[]byte { return &p.Value }))
}

// batch is the interface wasi:keyvalue/batch, which is the same in all versions.
func (h *Host) batch(version string) *wit.Interface {
	bucket, keys := wit.Param("bucket", h.buckets.Borrow()), wit.Param("keys", wit.List(wit.String))
	return wit.NewInterface("wasi:keyvalue/batch"+version,
		h.buckets, wit.Named("error", failureType), // use store.{bucket, error}
		// get-many: func(bucket: borrow<bucket>, keys: list<string>) -> result<list<option<tuple<string, list<u8>>>>, error>
		wit.Func2("get-many", bucket, keys, result(wit.List(wit.Option(pairType))), func(_ *wit.Call, b Bucket, keys []string) ([]*Pair, error) {
			if len(keys) == 0 {
				return nil, nil
			}
			values, err := ask(h, func(ctx context.Context) ([][]byte, error) { return b.Get(ctx, keys...) })
			if err != nil {
				return nil, err
			}
			pairs := make([]*Pair, len(keys))
			for i, v := range values {
				if v != nil {
					pairs[i] = &Pair{keys[i], v}
				}
			}
			return pairs, nil
		}),
		// set-many: func(bucket: borrow<bucket>, key-values: list<tuple<string, list<u8>>>) -> result<_, error>
		wit.Func2("set-many", bucket, wit.Param("key-values", wit.List(givenPair)), result(wit.None),
			func(_ *wit.Call, b Bucket, pairs []Pair) (none struct{}, err error) {
				if len(pairs) == 0 {
					return none, nil
				}
				return none, h.do(func(ctx context.Context) error { return b.Set(ctx, pairs...) })
			}),
		// delete-many: func(bucket: borrow<bucket>, keys: list<string>) -> result<_, error>
		wit.Func2("delete-many", bucket, keys, result(wit.None), func(_ *wit.Call, b Bucket, keys []string) (none struct{}, err error) {
			if len(keys) == 0 {
				return none, nil
			}
			return none, h.do(func(ctx context.Context) error { return b.Delete(ctx, keys...) })
		}),
	)
}
