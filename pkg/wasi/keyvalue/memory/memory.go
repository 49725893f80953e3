package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"wasmgo/pkg/wasi/keyvalue"
)

// A Store has all buckets. It is for any number of goroutines, and is made by [New].
type Store struct {
	bound int64

	mu      sync.RWMutex
	shelves map[string]*shelf // guarded by mu; of the buckets with something in them
	used    int64             // guarded by mu; bytes, of all of them
}

// New makes a store for so many bytes of keys and values, each pair with [Overhead] on top, and what its buckets take.
func New(bound int64) *Store { return &Store{bound: bound, shelves: map[string]*shelf{}} }

// Overhead is what a pair takes besides its key and its value, in bytes, with room for a map that is about to grow: 117 to 137 were measured.
const Overhead = 192

// ofBucket is what a bucket takes besides its pairs and its name, in bytes, as long as there is something in it: 240 were measured.
const ofBucket = 320

// Open implements [keyvalue.Store].
func (s *Store) Open(name string) (keyvalue.Bucket, error) { return bucket{s, name}, nil }

// Remote implements [keyvalue.Store].
func (s *Store) Remote() bool { return false }

// A shelf is what is in a bucket.
type shelf struct {
	pairs map[string]*pair
	// order has the pairs as they were made, by rising number, and may have some that are no more.
	order []*pair
	made  uint64 // how many were, which is the number of the last
}

type pair struct {
	key    string
	value  []byte // never written to: what somebody has got stays as it is
	number uint64
	gone   bool
}

func size(key string, value []byte) int64 { return int64(len(key)) + int64(len(value)) + Overhead }

// ErrFull says that what is to be set does not fit.
var ErrFull = errors.New("the key-value store in memory is full")

// putLocked sets a value, of which it makes a copy. mu is held for writing.
func (s *Store) putLocked(name, key string, value []byte) error {
	sh := s.shelves[name]
	var p *pair
	more := size(key, value)
	if sh != nil {
		if p = sh.pairs[key]; p != nil {
			more -= size(key, p.value)
		}
	}
	if sh == nil {
		more += ofBucket + int64(len(name))
	}
	if more > 0 && s.used+more > s.bound {
		return fmt.Errorf("%w: it holds %d bytes, as the setting keyvalue-memory says", ErrFull, s.bound)
	}
	s.used += more
	if sh == nil {
		sh = &shelf{pairs: map[string]*pair{}}
		s.shelves[name] = sh
	}
	if p == nil {
		sh.made++
		p = &pair{key: key, number: sh.made}
		sh.pairs[key] = p
		sh.order = append(sh.order, p)
	}
	p.value = append(make([]byte, 0, len(value)), value...)
	return nil
}

// deleteLocked deletes a pair, if there is one, and its bucket if that is empty then. mu is held for writing.
func (s *Store) deleteLocked(name, key string) {
	sh := s.shelves[name]
	if sh == nil || sh.pairs[key] == nil {
		return
	}
	p := sh.pairs[key]
	s.used -= size(key, p.value)
	*p = pair{number: p.number, gone: true} // which may stay in the order for long
	delete(sh.pairs, key)
	if len(sh.pairs) == 0 {
		delete(s.shelves, name)
		s.used -= ofBucket + int64(len(name))
		return
	}
	if len(sh.order) > 2*len(sh.pairs) {
		sh.order = slices.DeleteFunc(sh.order, func(p *pair) bool { return p.gone })
	}
}

// findLocked is a pair, or nil. mu is held.
func (s *Store) findLocked(name, key string) *pair {
	if sh := s.shelves[name]; sh != nil {
		return sh.pairs[key]
	}
	return nil
}

// A bucket is one of a store's, whether or not something is in it.
type bucket struct {
	store *Store
	name  string
}

var _ keyvalue.Bucket = bucket{}

// Get implements [keyvalue.Bucket].
func (b bucket) Get(_ context.Context, keys ...string) ([][]byte, error) {
	b.store.mu.RLock()
	defer b.store.mu.RUnlock()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if p := b.store.findLocked(b.name, key); p != nil {
			values[i] = p.value
		}
	}
	return values, nil
}

// Set implements [keyvalue.Bucket].
func (b bucket) Set(_ context.Context, pairs ...keyvalue.Pair) error {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for _, p := range pairs {
		if err := b.store.putLocked(b.name, p.Key, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// Delete implements [keyvalue.Bucket].
func (b bucket) Delete(_ context.Context, keys ...string) error {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for _, key := range keys {
		b.store.deleteLocked(b.name, key)
	}
	return nil
}

// Exists implements [keyvalue.Bucket].
func (b bucket) Exists(_ context.Context, key string) (bool, error) {
	b.store.mu.RLock()
	defer b.store.mu.RUnlock()
	return b.store.findLocked(b.name, key) != nil, nil
}

// A page of keys has so many, and so many bytes of them, at most.
const (
	pageKeys  = 1000
	pageBytes = 1 << 20
)

// Keys implements [keyvalue.Bucket]. A page begins after the pair of that number, so that none is left out or comes twice that is there all
// the time.
func (b bucket) Keys(_ context.Context, from uint64) (page keyvalue.Page, err error) {
	b.store.mu.RLock()
	defer b.store.mu.RUnlock()
	sh := b.store.shelves[b.name]
	if sh == nil {
		return page, nil
	}
	begin, _ := slices.BinarySearchFunc(sh.order, from, func(p *pair, n uint64) int {
		if p.number <= n {
			return -1
		}
		return 1
	})
	length := 0
	for i, p := range sh.order[begin:] {
		if p.gone {
			continue
		}
		if len(page.Keys) == pageKeys || len(page.Keys) > 0 && length+len(p.key) > pageBytes {
			page.Next = sh.order[begin+i-1].number
			return page, nil
		}
		page.Keys = append(page.Keys, p.key)
		length += len(p.key)
	}
	return page, nil
}

var errNumber = errors.New("the value is not a number of 64 bits in decimal, or would not be one afterwards")

// Increment implements [keyvalue.Bucket].
func (b bucket) Increment(_ context.Context, key string, delta int64) (n int64, err error) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if p := b.store.findLocked(b.name, key); p != nil {
		if n, err = strconv.ParseInt(string(p.value), 10, 64); err != nil || strconv.FormatInt(n, 10) != string(p.value) {
			return 0, errNumber
		}
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, errNumber
	}
	n += delta
	return n, b.store.putLocked(b.name, key, strconv.AppendInt(nil, n, 10))
}

// Swap implements [keyvalue.Bucket].
func (b bucket) Swap(_ context.Context, key string, old, value []byte) (now []byte, swapped bool, err error) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	if p := b.store.findLocked(b.name, key); p != nil {
		now = p.value
	}
	if (now == nil) != (old == nil) || !bytes.Equal(now, old) {
		return now, false, nil
	}
	return nil, true, b.store.putLocked(b.name, key, value)
}
