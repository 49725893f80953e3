package serve

import (
	"errors"
	"fmt"
	"runtime/debug"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
	"wasmgo/pkg/wasi"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/keyvalue"
	"wasmgo/pkg/wasi/keyvalue/memory"
	"wasmgo/pkg/wasi/keyvalue/redis"
)

// buckets is where the buckets of all instances are. Close ends it.
type buckets struct {
	keyvalue.Store
	close func() error
}

// openBuckets makes the store that the settings name, or nil for a component that has no use for it. An error names the setting.
func openBuckets(e runner.Extension) (*buckets, error) {
	if e.Needs&handover.NeedsKeyvalue == 0 {
		return nil, nil
	}
	b := &buckets{close: func() error { return nil }}
	switch {
	case e.Keyvalue.InMemory():
		boundHeap(e.Keyvalue.Memory)
		b.Store = memory.New(e.Keyvalue.Memory)
	case e.Keyvalue.Store == "none":
		b.Store = keyvalue.None
	default:
		c := newClient(e)
		remote, err := redis.Open(redis.Config{URL: e.Keyvalue.Store, Dial: c.Dial, Trust: c.Trust})
		if err != nil {
			return nil, fmt.Errorf("the setting keyvalue: want memory, none, or a server: %w", err)
		}
		b.Store, b.close = remote, remote.Close
	}
	if len(e.Keyvalue.Buckets) > 0 {
		b.Store = keyvalue.Only(b.Store, e.Keyvalue.Buckets)
	}
	return b, nil
}

// restOfHeap is what this process has in its heap besides buckets, in bytes, when it is busy.
const restOfHeap = 32 << 20

// boundHeap has the collector come earlier than usual when buckets of so many bytes are full: what is kept would else count as often as
// the collector may let the heap grow.
func boundHeap(kept int64) { debug.SetMemoryLimit(kept + kept/2 + restOfHeap) }

// part is what one instance sees of the buckets.
func (b *buckets) part(io *wasiio.Host) wasi.Part { return keyvalue.New(io, b.Store) }

// ended is a part with which the buckets end.
type ended struct {
	*keyvalue.Host
	buckets *buckets
}

// Close implements [wasi.Part].
func (e ended) Close() error { return errors.Join(e.Host.Close(), e.buckets.close()) }
