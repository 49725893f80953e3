package integration

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"

	"wasmgo/test/daemon"
)

// patience bounds every wait for something that ought to happen at once.
const patience = 30 * time.Second

// want describes a container.
type want struct {
	args     []string // none are the image's own
	opts     []oci.SpecOpts
	stdin    io.Reader
	terminal bool
	plain    bool   // the image's configuration is not asked
	options  any    // of the runtime
	runtime  string // "" is wasmgo
}

// container is one created task with what it printed.
type container struct {
	client.Container
	task           client.Task
	exited         <-chan client.ExitStatus
	stdout, stderr *output
	ctx            context.Context
}

// guest is the plainest container: these arguments.
func guest(args ...string) want { return want{args: args} }

func (w want) with(opts ...oci.SpecOpts) want {
	w.opts = append(w.opts, opts...)
	return w
}

func (w want) reading(r io.Reader) want {
	w.stdin = r
	return w
}

// tryCreate makes a container and its task. If containerd refuses the task it returns the error, and nothing but the
// container may be there then.
func (e env) tryCreate(t *testing.T, w want) (*container, error) {
	t.Helper()
	ctx := e.Context(t)
	id := e.id()
	var opts []oci.SpecOpts
	if !w.plain {
		opts = append(opts, oci.WithImageConfigArgs(e.image, nil))
	}
	if len(w.args) > 0 {
		opts = append(opts, oci.WithProcessArgs(w.args...))
	}
	opts = append(opts, w.opts...)
	if w.terminal {
		opts = append(opts, oci.WithTTY)
	}
	c, err := e.Client().NewContainer(ctx, id,
		client.WithImage(e.image),
		client.WithNewSnapshot(id, e.image),
		client.WithRuntime(cmp.Or(w.runtime, daemon.Runtime), w.options),
		client.WithNewSpec(opts...),
	)
	if err != nil {
		t.Fatalf("container %s: %v", id, err)
	}
	t.Cleanup(func() { e.remove(t, c) })
	r := &container{Container: c, stdout: newOutput(), stderr: newOutput(), ctx: ctx}
	streams := []cio.Opt{cio.WithStreams(w.stdin, r.stdout, r.stderr), cio.WithFIFODir(filepath.Join(e.Dir, "fifo"))}
	if w.terminal {
		streams = append(streams, cio.WithTerminal)
	}
	if r.task, err = c.NewTask(ctx, cio.NewCreator(streams...)); err != nil {
		return r, err
	}
	if r.exited, err = r.task.Wait(ctx); err != nil {
		t.Fatalf("wait for %s: %v", id, err)
	}
	return r, nil
}

// create makes a container and its task, which is not started.
func (e env) create(t *testing.T, w want) *container {
	t.Helper()
	c, err := e.tryCreate(t, w)
	if err != nil {
		t.Fatalf("create %q: %v", w.args, err)
	}
	return c
}

// start makes a container and starts it.
func (e env) start(t *testing.T, w want) *container {
	t.Helper()
	c := e.create(t, w)
	c.start(t)
	return c
}

// run makes a container, starts it, waits for its end and deletes its task.
func (e env) run(t *testing.T, w want) (code uint32, stdout, stderr string) {
	t.Helper()
	c := e.start(t, w)
	code = c.end(t)
	return code, c.stdout.String(), c.stderr.String()
}

func (c *container) start(t *testing.T) {
	t.Helper()
	if err := c.task.Start(c.ctx); err != nil {
		t.Fatalf("start %s: %v", c.ID(), err)
	}
}

// wait returns the exit code.
func (c *container) wait(t *testing.T) uint32 {
	t.Helper()
	select {
	case s := <-c.exited:
		if s.Error() != nil {
			t.Fatalf("wait for %s: %v", c.ID(), s.Error())
		}
		return s.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s does not end\n%s%s", c.ID(), c.stdout, c.stderr)
		return 0
	}
}

// end waits for the exit code and deletes the task, after which all output is there.
func (c *container) end(t *testing.T) uint32 {
	t.Helper()
	code := c.wait(t)
	deleted, err := c.task.Delete(c.ctx)
	if err != nil {
		t.Fatalf("delete %s: %v", c.ID(), err)
	}
	if deleted.ExitCode() != code {
		t.Errorf("%s: Wait said %d, Delete says %d", c.ID(), code, deleted.ExitCode())
	}
	return code
}

func (c *container) kill(t *testing.T, sig syscall.Signal, opts ...client.KillOpts) {
	t.Helper()
	if err := c.task.Kill(c.ctx, sig, opts...); err != nil {
		t.Fatalf("kill %s with %v: %v", c.ID(), sig, err)
	}
}

func (c *container) status(t *testing.T) client.ProcessStatus {
	t.Helper()
	s, err := c.task.Status(c.ctx)
	if err != nil {
		t.Fatalf("status of %s: %v", c.ID(), err)
	}
	return s.Status
}

// remove deletes what is left of a container and looks for its leaks.
func (e env) remove(t *testing.T, c client.Container) {
	t.Helper()
	ctx, cancel := context.WithTimeout(namespaces.WithNamespace(context.Background(), e.Namespace), patience)
	defer cancel()
	if task, err := c.Task(ctx, nil); err == nil {
		task.Resume(ctx) // an error says that it was not paused
		if _, err := task.Delete(ctx, client.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
			t.Errorf("delete %s: %v", c.ID(), err)
		}
	}
	if err := c.Delete(ctx, client.WithSnapshotCleanup); err != nil {
		t.Errorf("delete container %s: %v", c.ID(), err)
	}
	e.MustBeGone(t, c.ID())
}
