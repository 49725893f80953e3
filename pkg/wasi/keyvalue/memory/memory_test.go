package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"wasmgo/pkg/wasi/keyvalue"
)

func open(t testing.TB, s *Store, name string) keyvalue.Bucket {
	t.Helper()
	b, err := s.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func set(t testing.TB, b keyvalue.Bucket, key, value string) {
	t.Helper()
	if err := b.Set(t.Context(), keyvalue.Pair{Key: key, Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
}

// keys reads all pages.
func keys(t testing.TB, b keyvalue.Bucket, between func()) (all []string) {
	t.Helper()
	for from := uint64(0); ; {
		page, err := b.Keys(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Keys...)
		if from = page.Next; from == 0 {
			return all
		}
		between()
	}
}

// TestKeysDuringChanges: who is there all the time is listed once, whatever comes and goes meanwhile.
func TestKeysDuringChanges(t *testing.T) {
	b := open(t, New(1<<30), "b")
	var stay []string
	for i := range 5000 {
		key := fmt.Sprintf("%05d", i)
		if i%2 == 0 {
			stay = append(stay, key)
		}
		set(t, b, key, "x")
	}
	round := 0
	all := keys(t, b, func() {
		for i := range 500 { // those that go are before, in and behind the next page
			if err := b.Delete(t.Context(), fmt.Sprintf("%05d", (round+i*7)%5000/2*2+1)); err != nil {
				t.Error(err)
			}
			set(t, b, fmt.Sprintf("new %d %d", round, i), "x")
		}
		set(t, b, stay[round], "another value")
		round++
	})
	seen := map[string]int{}
	for _, key := range all {
		seen[key]++
	}
	for _, key := range stay {
		if seen[key] != 1 {
			t.Fatalf("%s is listed %d times", key, seen[key])
		}
	}
	if round < 4 {
		t.Errorf("%d pages", round)
	}
}

// TestLongKeys: a page is bounded in bytes, and has one key at least.
func TestLongKeys(t *testing.T) {
	b := open(t, New(1<<30), "b")
	for i := range 5 {
		set(t, b, string(make([]byte, 2*pageBytes))+strconv.Itoa(i), "")
	}
	pages := 1
	if all := keys(t, b, func() { pages++ }); len(all) != 5 || pages != 5 {
		t.Errorf("%d keys on %d pages", len(all), pages)
	}
}

func TestBound(t *testing.T) {
	const bound = 10*(Overhead+10) + 2*ofBucket + int64(len("b")+len("other"))
	s := New(bound)
	b, other := open(t, s, "b"), open(t, s, "other")
	for i := range 9 {
		set(t, b, strconv.Itoa(i), "123456789")
	}
	set(t, other, "9", "123456789")
	for name, err := range map[string]error{
		"another pair":          b.Set(t.Context(), keyvalue.Pair{Key: "x"}),
		"another bucket":        open(t, s, "third").Set(t.Context(), keyvalue.Pair{Key: "x"}),
		"a longer value":        b.Set(t.Context(), keyvalue.Pair{Key: "1", Value: make([]byte, 10)}),
		"a number":              second(other.Increment(t.Context(), "n", 1)),
		"a longer value by cas": third(b.Swap(t.Context(), "1", []byte("123456789"), make([]byte, 10))),
	} {
		if !errors.Is(err, ErrFull) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	set(t, b, "1", "shorter")
	set(t, b, "2", "12345678901") // by what the other one has given back
	if err := b.Delete(t.Context(), "3", "not there"); err != nil {
		t.Fatal(err)
	}
	if err := other.Delete(t.Context(), "9"); err != nil { // with which that bucket is gone
		t.Fatal(err)
	}
	set(t, open(t, s, "third"), "a", "123456789")
	for _, name := range []string{"b", "other", "third"} {
		c := open(t, s, name)
		if err := c.Delete(t.Context(), keys(t, c, func() {})...); err != nil {
			t.Fatal(err)
		}
	}
	if s.used != 0 || len(s.shelves) != 0 {
		t.Errorf("%d bytes in %d buckets are left of nothing", s.used, len(s.shelves))
	}
}

func second[T any](_ T, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

func TestNumbers(t *testing.T) {
	b := open(t, New(1<<20), "b")
	for name, c := range map[string]struct {
		value string
		delta int64
		want  int64
		good  bool
	}{
		"up":                   {"41", 1, 42, true},
		"down below nothing":   {"1", -2, -1, true},
		"to the largest":       {"9223372036854775806", 1, math.MaxInt64, true},
		"beyond the largest":   {"9223372036854775807", 1, 0, false},
		"to the least":         {"-9223372036854775807", -1, math.MinInt64, true},
		"beyond the least":     {"-9223372036854775808", -1, 0, false},
		"by the least":         {"0", math.MinInt64, math.MinInt64, true},
		"a word":               {"one", 1, 0, false},
		"a number with a plus": {"+1", 1, 0, false},
		"a number with zeros":  {"01", 1, 0, false},
		"nothing":              {"", 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			set(t, b, "k", c.value)
			got, err := b.Increment(t.Context(), "k", c.delta)
			if got != c.want || (err == nil) != c.good {
				t.Errorf("got %d, %v", got, err)
			}
			want := c.value
			if c.good {
				want = strconv.FormatInt(c.want, 10)
			}
			if values, err := b.Get(t.Context(), "k"); err != nil || string(values[0]) != want {
				t.Errorf("then there is %q, %v, want %q", values[0], err, want)
			}
		})
	}
}

// TestValuesStay: what somebody has got does not change, and what somebody has passed may.
func TestValuesStay(t *testing.T) {
	b := open(t, New(1<<20), "b")
	mine := []byte("one")
	if err := b.Set(t.Context(), keyvalue.Pair{Key: "k", Value: mine}); err != nil {
		t.Fatal(err)
	}
	copy(mine, "xxx")
	got, err := b.Get(t.Context(), "k")
	if err != nil || string(got[0]) != "one" {
		t.Fatalf("%q, %v", got[0], err)
	}
	set(t, b, "k", "two")
	if string(got[0]) != "one" {
		t.Errorf("it has become %q", got[0])
	}
}

// TestHammer has everything at once, for the race detector, and counts what must not be lost.
func TestHammer(t *testing.T) {
	s := New(1 << 30)
	const workers, rounds = 8, 300
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			b, ctx := open(t, s, "b"), context.Background()
			for i := range rounds {
				if _, err := b.Increment(ctx, "n", 1); err != nil {
					t.Error(err)
				}
				for {
					now, err := b.Get(ctx, "cas")
					if err != nil {
						t.Error(err)
					}
					n, _ := strconv.Atoi(string(now[0]))
					if _, swapped, err := b.Swap(ctx, "cas", now[0], strconv.AppendInt(nil, int64(n+1), 10)); swapped || err != nil {
						break
					}
				}
				key := strconv.Itoa(i % 7)
				err := errors.Join(b.Set(ctx, keyvalue.Pair{Key: key, Value: []byte{byte(w)}}), b.Delete(ctx, key))
				if _, e := b.Keys(ctx, 0); e != nil || err != nil {
					t.Error(e, err)
				}
				if _, err := b.Exists(ctx, key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	got, err := open(t, s, "b").Get(t.Context(), "n", "cas")
	if want := strconv.Itoa(workers * rounds); err != nil || string(got[0]) != want || string(got[1]) != want {
		t.Errorf("counted %q and %q, want %s", got[0], got[1], want)
	}
	if all := keys(t, open(t, s, "b"), func() {}); !slices.Equal(slices.Sorted(slices.Values(all)), []string{"cas", "n"}) {
		t.Errorf("%q are left", all)
	}
}

// TestOverhead: what a pair takes is at most what it is counted as.
func TestOverhead(t *testing.T) {
	for _, n := range []int{10_000, 30_000, 60_000, 100_000} {
		var before, after runtime.MemStats
		s := New(1 << 40)
		b := open(t, s, "b")
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range n {
			set(t, b, strconv.Itoa(1_000_000+i), "12345678")
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := int64(after.HeapAlloc-before.HeapAlloc) / int64(n)
		t.Logf("%d pairs of 7 and 8 bytes: %d bytes each", n, each)
		if each > Overhead+15 {
			t.Errorf("%d pairs take %d bytes each, counted as %d", n, each, Overhead+15)
		}
		runtime.KeepAlive(s)
	}
}

// TestDeletedValues: what is deleted takes no memory, also while its pair is in the order still.
func TestDeletedValues(t *testing.T) {
	b := open(t, New(1<<30), "b")
	for i := range 100 {
		set(t, b, strconv.Itoa(i), "x")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 90 { // too few to have the order made anew
		key := fmt.Sprintf("large %d", i)
		if err := b.Set(t.Context(), keyvalue.Pair{Key: key, Value: make([]byte, 1<<20)}); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 10<<20 {
		t.Errorf("90 values of 1 MiB that are deleted take %d MiB", more>>20)
	}
	runtime.KeepAlive(b)
}

// TestOverheadOfBuckets: many buckets with next to nothing in them are counted as what they take, and as nothing when they are empty.
func TestOverheadOfBuckets(t *testing.T) {
	const n = 20_000
	s := New(1 << 40)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		set(t, open(t, s, strconv.Itoa(1_000_000+i)), "k", "v")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	took := int64(after.HeapAlloc - before.HeapAlloc)
	t.Logf("%d bytes each, counted as %d", took/n, s.used/n)
	if took > s.used {
		t.Errorf("%d buckets take %d bytes each, counted as %d", n, took/n, s.used/n)
	}
	for i := range n {
		if err := open(t, s, strconv.Itoa(1_000_000+i)).Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if s.used != 0 {
		t.Errorf("%d bytes are counted of nothing", s.used)
	}
}
