package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

func TestExit(t *testing.T) {
	for name, c := range map[string]struct {
		verb string
		want Exit
	}{
		"a code":                {"exit 255", Exit{Status: 255}},
		"zero":                  {"exit 0", Exit{Status: 0}},
		"a signal from outside": {"wait", Exit{Status: 128 + 9, Signal: syscall.SIGKILL}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, c.verb)
			p := b.start(t)
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.want.Signal != 0 {
				if err := p.Signal(c.want.Signal); err != nil {
					t.Fatal(err)
				}
			}
			// Several may wait.
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					got := p.Wait()
					if got.At.IsZero() {
						t.Error("no time")
					}
					if got.At = c.want.At; got != c.want {
						t.Errorf("got %+v, want %+v", got, c.want)
					}
				})
			}
			all.Wait()
			if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("a signal afterwards: got %v, want os.ErrProcessDone", err)
			}
		})
	}
}

func TestWaitingForARunnerTakesNoThread(t *testing.T) {
	needRoot(t)
	const boxes = 30
	before := count(t, "/proc/self/task")
	for i := range boxes {
		b := newBox(t, "wait")
		b.Spec.Linux.CgroupsPath += strconv.Itoa(i)
		b.start(t)
	}
	if after := count(t, "/proc/self/task"); after > before+boxes/2 {
		t.Errorf("%d threads for %d sandboxes, %d before", after, boxes, before)
	}
}

func TestManyAtOnce(t *testing.T) {
	needRoot(t)
	const boxes, atOnce = 40, 8
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i := range boxes {
		b := newBox(t, "exit "+strconv.Itoa(i))
		b.Spec.Linux.CgroupsPath += strconv.Itoa(i)
		if i%4 == 0 {
			b.Spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
		}
		all.Go(func() error {
			p, err := Start(t.Context(), b.Config)
			if err != nil {
				return err
			}
			if err := p.Begin(t.Context()); err != nil {
				return errors.Join(err, p.Destroy(t.Context()))
			}
			if got := p.Wait().Status; got != i {
				return errors.Join(fmt.Errorf("status %d, want %d", got, i), p.Destroy(t.Context()))
			}
			return p.Destroy(t.Context())
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}

func TestRefusalIsTheContainersOwnOutcome(t *testing.T) {
	b := newBox(t)
	b.Config.Guest = func(context.Context, *os.File) (handover.Guest, *os.File, error) {
		return handover.Guest{Refusal: &handover.Refusal{Code: handover.CodeNotFound, Message: "/x.wasm: no such file"}}, nil, nil
	}
	p := b.start(t)
	if r := p.Refusal(); r == nil || r.Code != handover.CodeNotFound {
		t.Errorf("got %+v", r)
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := p.Wait(); exit.Status != handover.CodeNotFound {
		t.Errorf("got %+v", exit)
	}
}

func TestGuestIsFoundInTheContainersRoot(t *testing.T) {
	b := newBox(t)
	b.file(t, "app/guest.wasm", "module")
	b.link(t, "link.wasm", "/v/f")
	b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/v")}
	var found []string
	b.Config.Guest = func(_ context.Context, root *os.File) (handover.Guest, *os.File, error) {
		for _, name := range []string{"/app/guest.wasm", "/link.wasm", "/etc/passwd"} {
			fd, err := openIn(int(root.Fd()), name, unix.O_RDONLY)
			if err != nil {
				found = append(found, "none")
				continue
			}
			f := os.NewFile(uintptr(fd), name)
			text := make([]byte, 100)
			n, err := f.Read(text)
			if err != nil {
				t.Error(err)
			}
			f.Close()
			found = append(found, strings.TrimSpace(string(text[:n])))
		}
		return handover.Guest{}, nil, nil
	}
	b.start(t)
	if got := strings.Join(found, " "); got != "module host none" {
		t.Errorf("got %q", got)
	}
}

func TestDestroyEndsWhatStillRuns(t *testing.T) {
	t.Run("a guest that runs", func(t *testing.T) {
		p := newBox(t, "wait").start(t)
		if err := p.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		destroy(t, p)
		if exit := p.Wait(); exit.Signal != syscall.SIGKILL {
			t.Errorf("got %+v", exit)
		}
	})
	t.Run("a guest that never began", func(t *testing.T) {
		p := newBox(t, "wait").start(t)
		destroy(t, p)
		p.Wait()
		if err := p.Begin(t.Context()); err == nil {
			t.Error("it began after its end")
		}
	})
	t.Run("several at once", func(t *testing.T) {
		p := newBox(t, "wait").start(t)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { destroy(t, p) })
		}
		all.Wait()
	})
	t.Run("within its context", func(t *testing.T) {
		p := newBox(t, "wait").start(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errGuest)
		<-p.destroy // as if another were at it
		if err := p.Destroy(ctx); !errors.Is(err, errGuest) {
			t.Errorf("got %v", err)
		}
		p.destroy <- struct{}{}
	})
}
