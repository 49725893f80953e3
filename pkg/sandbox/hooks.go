package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/log"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
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
		if err := runHook(ctx, h, p.record.state(status, p.pid), nil); err != nil {
			return fmt.Errorf("hooks.%s[%d]: %w", kind, i, err)
		}
	}
	return nil
}

// runCreateHooks runs the hooks of the creation, when the init is there and has not changed its root yet.
func (p *Process) runCreateHooks(ctx context.Context, b *builder) error {
	if err := p.runHooks(ctx, "prestart", prestart(p.hooks), specs.StateCreating); err != nil {
		return err
	}
	if err := p.runHooks(ctx, "createRuntime", p.hooks.CreateRuntime, specs.StateCreating); err != nil {
		return err
	}
	return p.runInside(ctx, "createContainer", p.hooks.CreateContainer, specs.StateCreating, inside{ns: b.ns})
}

// prestart are the hooks of that name, which the spec has given up and Docker before version 28 has not.
func prestart(h *specs.Hooks) []specs.Hook {
	//lint:ignore SA1019 see above
	return h.Prestart
}

// runStartContainer runs the startContainer hooks: programs of the container, as the container's user, in its control group.
func (p *Process) runStartContainer(ctx context.Context) error {
	if p.inside == nil {
		return nil
	}
	in := *p.inside
	v2, err := p.group.FD()
	if err != nil {
		return fmt.Errorf("hooks.startContainer: %w", err)
	}
	if v2 != nil {
		defer v2.Close()
	}
	in.confine = func(proc int, attr *syscall.SysProcAttr) error {
		if v2 != nil {
			attr.UseCgroupFD, attr.CgroupFD = true, int(v2.Fd())
		}
		if err := in.creds.apply(proc, attr); err != nil {
			return err
		}
		return p.group.AddThread(unix.Gettid())
	}
	return p.runInside(ctx, "startContainer", p.hooks.StartContainer, specs.StateCreated, in)
}

// inside is what a hook in the container's namespaces needs to know of them.
type inside struct {
	ns    namespaces
	creds credentials
	// confine, if not nil, takes from the thread what the hook shall not have.
	confine func(proc int, attr *syscall.SysProcAttr) error
}

// runInside runs hooks in the container's namespaces, on a thread that goes there. Before the change of root their paths are
// the host's, after it the container's.
func (p *Process) runInside(ctx context.Context, kind string, hooks []specs.Hook, status specs.ContainerState, in inside) error {
	if len(hooks) == 0 {
		return nil
	}
	pid, err := InnerPid(p.pid)
	if err != nil {
		return fmt.Errorf("hooks.%s: %w", kind, err)
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return fmt.Errorf("hooks.%s: %w", kind, err)
	}
	defer proc.Close()
	t := newThread()
	defer t.end()
	return t.do(func() error {
		kinds := unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWCGROUP
		if in.confine != nil {
			kinds &^= unix.CLONE_NEWCGROUP // from in there it could not be born in the container's group: see launch
		}
		if err := follow(int(proc.Fd()), p.pid, in.ns, kinds); err != nil {
			return fmt.Errorf("hooks.%s: %w", kind, err)
		}
		var attr syscall.SysProcAttr
		if in.confine != nil {
			if err := in.confine(int(proc.Fd()), &attr); err != nil {
				return fmt.Errorf("hooks.%s: %w", kind, err)
			}
		}
		for i, h := range hooks {
			if err := runHook(ctx, h, p.record.state(status, pid), &attr); err != nil {
				return fmt.Errorf("hooks.%s[%d]: %w", kind, i, err)
			}
		}
		return nil
	})
}

// InnerPid is the number that the process pid has in its own pid namespace: the last of the NSpid line in /proc/<pid>/status.
func InnerPid(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			fields := strings.Fields(list)
			return strconv.Atoi(fields[len(fields)-1])
		}
	}
	return pid, nil
}

// runPoststop runs the poststop hooks. The container is gone by then whatever they say, so errors go to the log.
func runPoststop(ctx context.Context, r *record) {
	for i, h := range r.Poststop {
		if err := runHook(ctx, h, r.state(specs.StateStopped, 0), nil); err != nil {
			log.G(ctx).WithError(err).Warnf("hooks.poststop[%d]", i)
		}
	}
}

// runHook runs one hook to its end.
func runHook(ctx context.Context, h specs.Hook, state specs.State, attr *syscall.SysProcAttr) error {
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
	cmd.SysProcAttr = attr
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
