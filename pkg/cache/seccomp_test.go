package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func profile(names ...string) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno,
		Syscalls:      []specs.LinuxSyscall{{Names: names, Action: specs.ActAllow}},
	}
}

func TestSeccompIsTranslatedOnce(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	first, err := c.Seccomp(t.Context(), profile("read"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Seccomp(t.Context(), profile("write"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, other) {
		t.Error("two profiles got one filter")
	}
	for name, c := range map[string]*Cache{"the same process": c, "another process": openCache(t, c.root, c.runner)} {
		if again, err := c.Seccomp(t.Context(), profile("read")); err != nil || !bytes.Equal(again, first) {
			t.Errorf("%s: filter %x, %v, want %x", name, again, err, first)
		}
	}
	if left := names(t, c.seccompDir()); len(left) != 2 {
		t.Errorf("in the directory: %q, want two filters", left)
	}
}

func TestNoSeccompProfileIsNoFilter(t *testing.T) {
	c := newCache(t, "host not to be asked")
	if f, err := c.Seccomp(t.Context(), nil); f != nil || err != nil {
		t.Errorf("got %x, %v", f, err)
	}
}

func TestSeccompErrors(t *testing.T) {
	for _, tc := range []struct {
		name, behaviour, word string
		invalid               bool
	}{
		{name: "the profile is wrong", behaviour: "bad no such system call: frobnicate", word: "frobnicate", invalid: true},
		{name: "the worker fails", behaviour: "host out of luck", word: "out of luck"},
		{name: "the filter is not whole instructions", behaviour: "garbage", word: "a filter of"},
		{name: "the filter is empty", behaviour: "nothing", word: "a filter of 0 bytes"},
		{name: "the filter is too large", behaviour: "large", word: "the limit of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			watchLeaks(t)
			c := newCache(t, tc.behaviour)
			_, err := c.Seccomp(t.Context(), profile("read"))
			if err == nil || !strings.Contains(err.Error(), tc.word) {
				t.Errorf("got %v, want %q in it", err, tc.word)
			}
			if got := errors.Is(err, errdefs.ErrInvalidArgument); got != tc.invalid {
				t.Errorf("blames the profile: %v, want %v", got, tc.invalid)
			}
			if left := names(t, c.seccompDir()); len(left) != 0 {
				t.Errorf("left in the directory: %q", left)
			}
		})
	}
}

func TestDamagedFiltersAreMadeAgain(t *testing.T) {
	c := newCache(t, "good")
	first, err := c.Seccomp(t.Context(), profile("read"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.seccompDir(), names(t, c.seccompDir())[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":         {},
		"cut":           whole[:len(whole)-1],
		"one bit wrong": append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1),
		"zeros":         make([]byte, len(whole)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			again, err := openCache(t, c.root, c.runner).Seccomp(t.Context(), profile("read"))
			if err != nil || bytes.Equal(again, first) || checkFilter(again) != nil {
				t.Errorf("got %x, %v, want a new filter", again, err)
			}
		})
	}
}
