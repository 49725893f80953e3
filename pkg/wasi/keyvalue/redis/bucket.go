package redis

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"wasmgo/pkg/wasi/keyvalue"
)

// A bucket is the strings whose names begin so.
type bucket struct {
	store  *Store
	prefix string
}

var _ keyvalue.Bucket = (*bucket)(nil)

// names are keys as the server has them.
func (b *bucket) names(keys []string) []string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = b.prefix + key
	}
	return names
}

// Get implements [keyvalue.Bucket].
func (b *bucket) Get(ctx context.Context, keys ...string) ([][]byte, error) {
	return call(ctx, b.store, func(ctx context.Context, c *redis.Client) ([][]byte, error) {
		all, err := c.MGet(ctx, b.names(keys)...).Result()
		if err != nil {
			return nil, err
		}
		values := make([][]byte, len(all))
		for i, v := range all {
			if text, ok := v.(string); ok {
				values[i] = []byte(text)
			}
		}
		return values, nil
	})
}

// Set implements [keyvalue.Bucket].
func (b *bucket) Set(ctx context.Context, pairs ...keyvalue.Pair) error {
	all := make([]any, 0, 2*len(pairs))
	for _, p := range pairs {
		all = append(all, b.prefix+p.Key, bytes.Clone(p.Value))
	}
	_, err := call(ctx, b.store, func(ctx context.Context, c *redis.Client) (string, error) { return c.MSet(ctx, all...).Result() })
	return err
}

// Delete implements [keyvalue.Bucket].
func (b *bucket) Delete(ctx context.Context, keys ...string) error {
	_, err := call(ctx, b.store, func(ctx context.Context, c *redis.Client) (int64, error) {
		return c.Del(ctx, b.names(keys)...).Result()
	})
	return err
}

// Exists implements [keyvalue.Bucket].
func (b *bucket) Exists(ctx context.Context, key string) (bool, error) {
	return call(ctx, b.store, func(ctx context.Context, c *redis.Client) (bool, error) {
		n, err := c.Exists(ctx, b.prefix+key).Result()
		return n > 0, err
	})
}

// How much of a database is looked at for a page of keys: the server looks at all its keys, whosever they are.
const (
	scanned = 1000 // at a time
	scans   = 100
)

// Keys implements [keyvalue.Bucket]. The server may return a key twice, and a page without keys is not the end if it has a Next.
func (b *bucket) Keys(ctx context.Context, from uint64) (keyvalue.Page, error) {
	return call(ctx, b.store, func(ctx context.Context, c *redis.Client) (page keyvalue.Page, err error) {
		page.Next = from
		for range scans {
			var names []string
			if names, page.Next, err = c.Scan(ctx, page.Next, pattern(b.prefix), scanned).Result(); err != nil {
				return keyvalue.Page{}, err
			}
			for _, name := range names {
				page.Keys = append(page.Keys, strings.TrimPrefix(name, b.prefix))
			}
			if page.Next == 0 || len(page.Keys) > 0 {
				break
			}
		}
		return page, nil
	})
}

// pattern is what matches names that begin so, as SCAN has it.
func pattern(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + "*"
}

// Increment implements [keyvalue.Bucket].
func (b *bucket) Increment(ctx context.Context, key string, delta int64) (int64, error) {
	return call(ctx, b.store, func(ctx context.Context, c *redis.Client) (int64, error) {
		return c.IncrBy(ctx, b.prefix+key, delta).Result()
	})
}

// Swap implements [keyvalue.Bucket], by a transaction that the server only carries out if nobody has written the value since it was
// looked at.
func (b *bucket) Swap(ctx context.Context, key string, old, value []byte) (now []byte, swapped bool, err error) {
	value = bytes.Clone(value)
	now, err = call(ctx, b.store, func(ctx context.Context, c *redis.Client) (now []byte, err error) {
		for {
			now, err = swap(ctx, c, b.prefix+key, old, value)
			// Somebody has: maybe the same value again.
			if !errors.Is(err, redis.TxFailedErr) {
				return now, err
			}
		}
	})
	if errors.Is(err, errOther) {
		return now, false, nil
	}
	return nil, err == nil, err
}

// errOther says that a value is not the one that was to be replaced.
var errOther = errors.New("the value is another one")

// swap tries once. now is the value that is found.
func swap(ctx context.Context, c *redis.Client, name string, old, value []byte) (now []byte, err error) {
	err = c.Watch(ctx, func(tx *redis.Tx) error {
		now, err = tx.Get(ctx, name).Bytes()
		if errors.Is(err, redis.Nil) {
			now, err = nil, nil
		}
		if err != nil {
			return err
		}
		if (now == nil) != (old == nil) || !bytes.Equal(now, old) {
			return errOther
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, name, value, 0)
			return nil
		})
		return err
	}, name)
	return now, err
}
