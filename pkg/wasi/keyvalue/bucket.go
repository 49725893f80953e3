package keyvalue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors that guests can tell from others. Any other error is their other, with its text.
var (
	// ErrNoSuchStore says that there is no bucket of that name.
	ErrNoSuchStore = errors.New("no such bucket")
	// ErrAccessDenied says that the guest may not have it, whether or not it is there.
	ErrAccessDenied = errors.New("access denied")
)

// A Pair is a key with its value.
type Pair struct {
	Key   string
	Value []byte
}

// A Page is a part of the keys of a bucket. Next begins the part after it; it is 0 when there is none.
type Page struct {
	Keys []string
	Next uint64
}

// A Bucket is a collection of values by their keys. It is for any number of goroutines. What a caller passes is the caller's again
// afterwards, and what it gets it must not write to.
type Bucket interface {
	values
	keys
	atomics
}

// values are the interfaces store and batch, of which a call with one key is the former.
type values interface {
	// Get is the values of the keys, in their order; nil, and not empty, where there is none.
	Get(ctx context.Context, keys ...string) ([][]byte, error)
	// Set sets values. After an error some may be set.
	Set(ctx context.Context, pairs ...Pair) error
	// Delete deletes values, where there are any. After an error some may be deleted.
	Delete(ctx context.Context, keys ...string) error
}

type keys interface {
	// Exists reports whether there is a value.
	Exists(ctx context.Context, key string) (bool, error)
	// Keys is the part of the keys that begins at a page's Next, or at 0.
	Keys(ctx context.Context, from uint64) (Page, error)
}

type atomics interface {
	// Increment adds to a number, which is decimal text, and returns it. Without a value it is 0 before.
	Increment(ctx context.Context, key string, delta int64) (int64, error)
	// Swap sets the value if it still is old, where nil is that there is none. If it is not, now is what it is.
	Swap(ctx context.Context, key string, old, value []byte) (now []byte, swapped bool, err error)
}

// A Store has buckets.
type Store interface {
	// Open is the bucket of a name that CheckName takes. It does not wait for anybody.
	Open(name string) (Bucket, error)
	// Remote reports whether calls of buckets may wait for others than this process.
	Remote() bool
}

// MaxName is the longest name of a bucket, in bytes.
const MaxName = 255

// CheckName reports as ErrNoSuchStore what is no name of a bucket. A colon is in none: in Redis it divides the bucket from the key, and a
// guest that was given one bucket must not come into another by its keys.
func CheckName(name string) error {
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("a name of %d bytes, limit %d: %w", len(name), MaxName, ErrNoSuchStore)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r == ':' || unicode.IsControl(r) }):
		return fmt.Errorf("%q: a name has no colons and no control characters: %w", name, ErrNoSuchStore)
	}
	return nil
}

// Only is a store of which there are only some buckets.
func Only(s Store, names []string) Store { return only{s, names} }

type only struct {
	Store
	names []string
}

func (o only) Open(name string) (Bucket, error) {
	for _, n := range o.names {
		if n == name {
			return o.Store.Open(name)
		}
	}
	return nil, fmt.Errorf("bucket %q is not among those of the setting keyvalue-buckets: %w", name, ErrNoSuchStore)
}

// None is a store that gives nobody a bucket.
var None Store = none{}

type none struct{}

func (none) Open(string) (Bucket, error) { return nil, ErrAccessDenied }
func (none) Remote() bool                { return false }
