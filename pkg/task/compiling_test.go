package task

import (
	"slices"
	"testing"
	"time"

	"wasmgo/pkg/cache"
)

func TestProgressText(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    cache.Progress
		want string
	}{
		{
			"somewhere in the middle",
			cache.Progress{Module: 30_000_000, Elapsed: 5 * time.Second, Done: 0.25},
			"compiling /a.wasm (30.0 MB), which is done once on this machine; 5s so far, about 15s to go",
		},
		{
			"longer than was thought",
			cache.Progress{Module: 30_000_000, Elapsed: time.Minute, Done: 0.99},
			"compiling /a.wasm (30.0 MB), which is done once on this machine; 1m0s so far",
		},
		{
			"nothing known",
			cache.Progress{Elapsed: time.Second},
			"compiling /a.wasm, which is done once on this machine; 1s so far",
		},
		{
			"by another",
			cache.Progress{Elapsed: 3 * time.Second, Waiting: true},
			"/a.wasm is being compiled for another container already; waiting for 3s",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := progressText("/a.wasm", tc.p); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestNoticesAreFew(t *testing.T) {
	var got []string
	l := launch{id: "c", notice: func(line string) { got = append(got, line) }}
	tell := l.telling("/a.wasm")
	for second := range 31 {
		tell(cache.Progress{Elapsed: time.Duration(second+1) * time.Second})
	}
	want := []string{
		"wasmgo: compiling /a.wasm, which is done once on this machine; 1s so far",
		"wasmgo: compiling /a.wasm, which is done once on this machine; 11s so far",
		"wasmgo: compiling /a.wasm, which is done once on this machine; 21s so far",
		"wasmgo: compiling /a.wasm, which is done once on this machine; 31s so far",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
