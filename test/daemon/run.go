package daemon

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// commandTimeout bounds one ctr or docker command: far above what any takes, far below the test's own limit.
const commandTimeout = 2 * time.Minute

// Result is what a command did.
type Result struct {
	Stdout, Stderr string
	Code           int
	Took           time.Duration
}

// Command is one call of ctr or docker that has not been made yet.
type Command struct {
	Stdin io.Reader
	Args  []string

	netns *Netns
	env   []string
	path  string
}

// Ctr prepares a call of the ctr of the daemon's version, in its namespace.
func (d *ContainerdDaemon) Ctr(t testing.TB, args ...string) *Command {
	t.Helper()
	return &Command{
		path: filepath.Join(Tool(t, d.Tool), "ctr"),
		Args: append([]string{"--address", d.Address, "--namespace", d.Namespace}, args...),
		env:  d.env,
	}
}

// CLI prepares a call of the installed program as its users make it: cache, image, precompile.
func (d *ContainerdDaemon) CLI(t testing.TB, args ...string) *Command {
	t.Helper()
	return &Command{
		path: filepath.Join(Built(t), "containerd-shim-wasmgo-v1"),
		Args: args,
		env:  append(slices.Clip(d.env), "CONTAINERD_ADDRESS="+d.Address),
	}
}

// Prepare returns the call as an exec.Cmd, for those who want to start it themselves.
func (c *Command) Prepare(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, c.Args...)
	cmd.Env = c.env
	cmd.Stdin = c.Stdin
	// Ask first: ctr and docker remove what they made.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Run makes the call and returns what it did, whatever its exit code.
func (c *Command) Run(t testing.TB) Result {
	t.Helper()
	return c.RunIn(t.Context(), t)
}

// RunIn is Run in a context other than the test's, which is over when the test cleans up.
func (c *Command) RunIn(ctx context.Context, t testing.TB) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := c.Prepare(ctx)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := c.netns.do(cmd.Run)
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(start)}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", c, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s: not done after %v\n%s%s", c, commandTimeout, r.Stdout, r.Stderr)
	}
	r.Code = cmd.ProcessState.ExitCode()
	return r
}

// Output makes the call, which must succeed, and returns its stdout without the last newline.
func (c *Command) Output(t testing.TB) string {
	t.Helper()
	r := c.Run(t)
	if r.Code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", c, r.Code, r.Stdout, r.Stderr)
	}
	return strings.TrimSuffix(r.Stdout, "\n")
}

// Path is the program that is called.
func (c *Command) Path() string { return c.path }

// String is the call as one would type it.
func (c *Command) String() string { return filepath.Base(c.path) + " " + strings.Join(c.Args, " ") }
