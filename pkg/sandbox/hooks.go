package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/containerd/log"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// hookDrain is how long a hook's output is waited for when the hook has ended and left a child that holds it open.
const hookDrain = time.Second

// maxHookOutput bounds in bytes what of a failed hook's output gets into the error.
const maxHookOutput = 1024

var errHookTimeout = errors.New("timeout")

// state is what a hook reads on its standard input (runtime.md, "State").
func (r *record) state(status specs.ContainerState, pid int) specs.State {
	return specs.State{
		Version:     r.OCIVersion,
		ID:          r.ID,
		Status:      status,
		Pid:         pid,
		Bundle:      r.bundle,
		Annotations: r.Annotations,
	}
}

// runHooks runs hooks in the host's namespaces, one after the other; the first error ends it.
func (p *Process) runHooks(ctx context.Context, kind string, hooks []specs.Hook, status specs.ContainerState) error {
	for i, h := range hooks {
		if err := runHook(ctx, h, p.record.state(status, p.pid)); err != nil {
			return fmt.Errorf("hooks.%s[%d]: %w", kind, i, err)
		}
	}
	return nil
}

// runPoststop runs the poststop hooks. The container is gone by then whatever they say, so errors go to the log.
func runPoststop(ctx context.Context, r *record) {
	for i, h := range r.Poststop {
		if err := runHook(ctx, h, r.state(specs.StateStopped, 0)); err != nil {
			log.G(ctx).WithError(err).Warnf("hooks.poststop[%d]", i)
		}
	}
}

// runHook runs one hook to its end.
func runHook(ctx context.Context, h specs.Hook, state specs.State) error {
	body, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if h.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(*h.Timeout)*time.Second, errHookTimeout)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, h.Path)
	if len(h.Args) > 0 {
		cmd.Args = h.Args
	}
	cmd.Env = append([]string{}, h.Env...) // not nil, which would be the shim's own
	cmd.Dir = state.Bundle
	cmd.Stdin = bytes.NewReader(body)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = hookDrain
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		text := out.String()
		text = strings.TrimSpace(text[max(0, len(text)-maxHookOutput):])
		if text != "" {
			return fmt.Errorf("%s: %w: %s", h.Path, err, text)
		}
		return fmt.Errorf("%s: %w", h.Path, err)
	}
	return nil
}
