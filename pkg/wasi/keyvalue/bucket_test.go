package keyvalue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	wasiio "wasmgo/pkg/wasi/io"
)

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		name string
		good bool
	}{
		"a word":              {"sessions", true},
		"nothing":             {"", true},
		"letters of all kind": {"größe/ü 1", true},
		"the longest":         {strings.Repeat("x", MaxName), true},
		"one too long":        {strings.Repeat("x", MaxName+1), false},
		"a colon":             {"a:b", false},
		"a line":              {"a\nb", false},
		"no text":             {"a\xff", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckName(c.name); (err == nil) != c.good || err != nil && !errors.Is(err, ErrNoSuchStore) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzNames: no two buckets share a key of a server, where a bucket and its key are joined by a colon.
func FuzzNames(f *testing.F) {
	f.Add("a", "b:c", "a:b", "c")
	f.Add("", "a", "a", "")
	f.Fuzz(func(t *testing.T, one, key, other, otherKey string) {
		if CheckName(one) != nil || CheckName(other) != nil || one == other {
			return
		}
		if one+":"+key == other+":"+otherKey {
			t.Errorf("%q and %q share a key", one, other)
		}
	})
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want failure
		good bool
	}{
		"no such bucket":        {fmt.Errorf("x: %w", ErrNoSuchStore), failure{kind: noSuchStore}, true},
		"denied":                {fmt.Errorf("x: %w", ErrAccessDenied), failure{kind: accessDenied}, true},
		"any other":             {errors.New("full"), failure{other, "full"}, true},
		"the end of the guest":  {ended{wasiio.ErrInterrupted}, failure{}, false},
		"wrapped by a function": {fmt.Errorf("get: %w", ended{wasiio.ErrInterrupted}), failure{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := failureOf(c.err); got != c.want || ok != c.good {
				t.Errorf("%+v, %v", got, ok)
			}
		})
	}
}

// remote is a store whose calls wait.
type remote struct{ none }

func (remote) Remote() bool { return true }

// TestInterrupt: a guest that waits for a store is let go when it is stopped, after the call has ended.
func TestInterrupt(t *testing.T) {
	io, err := wasiio.New()
	if err != nil {
		t.Fatal(err)
	}
	defer io.Close()
	h := New(io, remote{})
	defer h.Close()
	if n, err := ask(h, func(context.Context) (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	over := false
	err = h.do(func(ctx context.Context) error {
		io.Poller.Interrupt()
		<-ctx.Done()
		over = true
		return ctx.Err()
	})
	if _, end := failureOf(err); end || !errors.Is(err, wasiio.ErrInterrupted) || !over {
		t.Errorf("error %v, the call is over: %v", err, over)
	}
}
