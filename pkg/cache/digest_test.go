package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"

	"wasmgo/pkg/handover"
)

// opener counts how often a module is asked for.
type opener struct {
	t       *testing.T
	content string
	err     error
	opened  int
}

func (o *opener) open(context.Context) (*os.File, error) {
	o.opened++
	if o.err != nil {
		return nil, o.err
	}
	f := newModule(o.t, o.content)
	return os.Open(f.Name())
}

func TestCodeOfADigest(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	d := sha256.Sum256([]byte("module"))
	o := &opener{t: t, content: "module"}
	for range 2 {
		e, err := c.CodeOf(t.Context(), d, "sha256:…/app.wasm", o.open)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := readCode(e); err != nil || !bytes.Contains(b, []byte("module")) {
			t.Errorf("code %.80q, %v", b, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if o.opened != 1 {
		t.Errorf("the module was asked for %d times, want once", o.opened)
	}
	// A file with the same content has the same code.
	code(t, c, newModule(t, "module"))
	if left := names(t, c.codeDir()); len(left) != 1 {
		t.Errorf("in the cache: %q, want one entry", left)
	}
}

func TestCodeOfADigestThatIsNotTheModules(t *testing.T) {
	for _, behaviour := range []string{"good", "bad nothing but trouble"} {
		t.Run(behaviour, func(t *testing.T) {
			watchLeaks(t)
			c := newCache(t, behaviour)
			o := &opener{t: t, content: "another"}
			_, err := c.CodeOf(t.Context(), sha256.Sum256([]byte("module")), "/app.wasm", o.open)
			var refusal *handover.Refusal
			if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), "sha256:") {
				t.Errorf("got %v, want an error that tells both digests", err)
			}
			if left := names(t, c.codeDir()); len(left) != 0 {
				t.Errorf("in the cache: %q, want nothing", left)
			}
		})
	}
}

func TestCodeOfWhatCannotBeOpened(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	d := sha256.Sum256([]byte("module"))
	for _, want := range []error{os.ErrPermission, &handover.Refusal{Code: handover.CodeNotRunnable, Message: "it is machine code"}} {
		o := &opener{t: t, err: want}
		if _, err := c.CodeOf(t.Context(), d, "/app.wasm", o.open); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("in the cache: %q, want nothing", left)
	}
}

func TestAdopt(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	compiled := code(t, c, newModule(t, "module"))
	behave(t, c.runner, "host not to be asked")
	for range 2 {
		e, err := c.Adopt(t.Context(), newModule(t, string(compiled)), "/app.cwasm")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := readCode(e); err != nil || !bytes.Equal(b, compiled) {
			t.Errorf("adopted %.80q, %v, want what was given", b, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left := names(t, c.codeDir()); len(left) != 2 {
		t.Errorf("in the cache: %q, want the module's entry and the adopted one", left)
	}
	// A module of the same bytes is no code, and code no module.
	_, err := c.Adopt(t.Context(), newModule(t, "module"), "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "/app.wasm", "not compiled code")
	if left := names(t, c.codeDir()); len(left) != 2 {
		t.Errorf("in the cache: %q, want two entries", left)
	}
}
