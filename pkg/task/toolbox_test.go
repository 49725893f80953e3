package task

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/settings"
)

func TestWhoFindsItsProgramInTheToolbox(t *testing.T) {
	missing := &handover.Refusal{Code: handover.CodeNotFound}
	for _, c := range []struct {
		name   string
		launch launch
		missed *handover.Refusal
		args   []string
		want   bool
	}{
		{"an exec of a tool", launch{exec: true}, missing, []string{"ls", "-l"}, true},
		{"an exec of a shell by its path", launch{exec: true}, missing, []string{"/bin/sh"}, true},
		{"an exec of something else", launch{exec: true}, missing, []string{"bash"}, false},
		{"an exec of a file that is there and is no module", launch{exec: true}, &handover.Refusal{Code: handover.CodeNotRunnable}, []string{"sh"}, false},
		{"a container", launch{}, missing, []string{"sh"}, false},
		{"an exec of what the container itself runs", launch{exec: true, processes: []handover.Process{{PID: 1, Args: []string{"sh"}}}}, missing, []string{"sh"}, false},
		{"an exec of a tool beside another program", launch{exec: true, processes: []handover.Process{{PID: 1, Args: []string{"/app.wasm"}}}}, missing, []string{"sh"}, true},
		{"an exec where the toolbox is off", launch{exec: true, bundle: &bundle.Bundle{Settings: settings.Values{NoToolbox: true}}}, missing, []string{"ls"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := c.launch
			if l.bundle == nil {
				l.bundle = &bundle.Bundle{Spec: &specs.Spec{}}
			}
			if got := l.wantsToolbox(c.missed, c.args); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestToolboxThatIsNotThere: a directory of programs without it fails the exec, by name, and the next exec looks again.
func TestToolboxThatIsNotThere(t *testing.T) {
	b := &toolbox{path: filepath.Join(t.TempDir(), "toolbox.wasm")}
	for range 2 {
		if _, err := b.open(t.Context(), launch{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want that it does not exist", err)
		}
	}
	if b.making != nil {
		t.Error("what failed is remembered")
	}
}

// TestToolboxIsMadeOnce: an exec that is given up leaves the making to the others.
func TestToolboxIsMadeOnce(t *testing.T) {
	b := &toolbox{making: &making{done: make(chan struct{})}}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("given up")
	cancel(gone)
	if _, err := b.open(ctx, launch{}); !errors.Is(err, gone) {
		t.Errorf("got %v, want why it was given up", err)
	}
	if b.making == nil {
		t.Error("the making was given up, too")
	}
}
