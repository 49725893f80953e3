package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// Runtime is the name containers ask for.
const Runtime = "io.containerd.wasmgo.v1"

// RuncRuntime is what wasmgo is compared with.
const RuncRuntime = "io.containerd.runc.v2"

// startTimeout is generous for a cold machine with two cores on which other packages' tests run.
const startTimeout = 60 * time.Second

// ContainerdDaemon is a containerd of the test's own.
type ContainerdDaemon struct {
	Tool      string // Containerd2 or Containerd17
	Dir       string // holds everything it makes
	Address   string // path of its socket
	Namespace string // containerd namespace of this daemon, unique on the machine
	Netns     *Netns // nil is the machine's

	path     []string // in place of where the built shim is, and of the machine's PATH
	env      []string
	settings func(*ContainerdDaemon) error // writes what the configuration names
	more     string                        // of the configuration, in place of CRI switched off
	handler  string                        // more of wasmgo's part of CRI's configuration
	noRunc   bool
	log      *log
	proc     *process
	client   *client.Client
}

// Option changes how a daemon is started.
type Option func(*ContainerdDaemon)

// Version chooses the pinned containerd: Containerd2, which is the default, or Containerd17.
func Version(tool string) Option { return func(d *ContainerdDaemon) { d.Tool = tool } }

// WithoutRunc keeps runc and its shim off the daemon's PATH.
func WithoutRunc() Option { return func(d *ContainerdDaemon) { d.noRunc = true } }

// InNetns starts the daemon in a network namespace.
func InNetns(n *Netns) Option { return func(d *ContainerdDaemon) { d.Netns = n } }

// Env adds a NAME=value to the daemon's environment, and so to its shims'.
func Env(v string) Option { return func(d *ContainerdDaemon) { d.env = append(d.env, v) } }

// Path has the daemon look for shims in these directories, and not where the built one is or along the machine's PATH.
func Path(dirs ...string) Option { return func(d *ContainerdDaemon) { d.path = dirs } }

// Containerd starts a containerd that is stopped, and looked after for leaks, when the test ends.
func Containerd(t testing.TB, opts ...Option) *ContainerdDaemon {
	t.Helper()
	NeedRoot(t)
	dir, err := os.MkdirTemp("", "wg")
	if err != nil {
		t.Fatal(err)
	}
	// runc in a user namespace reaches its bundle by path, as a user to whom the directory is a stranger's.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	d := &ContainerdDaemon{
		Tool:      Containerd2,
		Dir:       dir,
		Address:   filepath.Join(dir, "sock"),
		Namespace: "wasmgo-test-" + filepath.Base(dir),
		log:       &log{},
	}
	for _, o := range opts {
		o(d)
	}
	path := []string{Built(t), Tool(t, d.Tool), Tool(t, Runc), os.Getenv("PATH")}
	if d.path != nil {
		path = append(d.path, Tool(t, d.Tool), Tool(t, Runc))
	}
	if d.noRunc {
		path = []string{Built(t), os.Getenv("PATH")}
	}
	d.env = append(os.Environ(), append(d.env,
		"PATH="+strings.Join(path, ":"),
		"WASMGO_ROOT="+d.Root(),
	)...)
	if d.settings != nil {
		if err := d.settings(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "containerd.toml"), []byte(d.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cleanup(t) })
	d.Start(t)
	return d
}

// Root is the shims' WASMGO_ROOT.
func (d *ContainerdDaemon) Root() string { return filepath.Join(d.Dir, "wasmgo") }

// noCRI is the configuration without CRI, which most tests have no use for.
const noCRI = `disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
`

// config keeps away from every path that is not the daemon's own: /opt/containerd, the sockets of CRI and NRI.
func (d *ContainerdDaemon) config() string {
	without := noCRI
	if d.more != "" {
		without = ""
	}
	return fmt.Sprintf(`version = 2
root = %[1]q
state = %[2]q
%[5]s[grpc]
  address = %[3]q
[plugins."io.containerd.internal.v1.opt"]
  path = %[4]q
[plugins."io.containerd.nri.v1.nri"]
  disable = true
%[6]s`, filepath.Join(d.Dir, "root"), filepath.Join(d.Dir, "state"), d.Address, filepath.Join(d.Dir, "opt"), without, d.more)
}

// Start starts a daemon that is not running, and returns when it answers.
func (d *ContainerdDaemon) Start(t testing.TB) {
	t.Helper()
	p, err := spawn(d.Netns, d.log, d.env, filepath.Join(Tool(t, d.Tool), "containerd"), "--config", filepath.Join(d.Dir, "containerd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	d.proc = p
	if d.client == nil {
		if d.client, err = client.New(d.Address, client.WithDefaultNamespace(d.Namespace)); err != nil {
			t.Fatalf("connect to %s: %v\n%s", d.Tool, err, tail(d.log.String()))
		}
	}
	err = p.ready(startTimeout, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := d.client.Version(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Stop stops the daemon; its containers go on.
func (d *ContainerdDaemon) Stop(t testing.TB) {
	t.Helper()
	if err := d.proc.stop(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the daemon with SIGKILL; its containers go on.
func (d *ContainerdDaemon) Kill(t testing.TB) {
	t.Helper()
	if err := d.proc.kill(); err != nil {
		t.Fatal(err)
	}
}

// Pid is the daemon's process id.
func (d *ContainerdDaemon) Pid() int { return d.proc.cmd.Process.Pid }

// Client is connected to the daemon, over its restarts too; the daemon closes it.
func (d *ContainerdDaemon) Client() *client.Client { return d.client }

// Context returns a context of the test in the daemon's namespace.
func (d *ContainerdDaemon) Context(t testing.TB) context.Context {
	return namespaces.WithNamespace(t.Context(), d.Namespace)
}

// Log is what the daemon, and the shims below it, have written so far.
func (d *ContainerdDaemon) Log() string { return d.log.String() }

// cleanup ends what the test left running, stops the daemon and looks for leaks.
func (d *ContainerdDaemon) cleanup(t testing.TB) {
	defer d.log.printOnFailure(t, d.Tool)
	if d.proc == nil {
		os.RemoveAll(d.Dir)
		return
	}
	var err error
	if d.client != nil {
		err = errors.Join(d.removeContainers(), d.client.Close())
	}
	err = errors.Join(err, d.proc.stop(), d.checkClean())
	if err != nil {
		t.Errorf("%s: %v", d.Tool, err)
	}
	if err := os.RemoveAll(d.Dir); err != nil {
		t.Errorf("remove %s: %v", d.Dir, err)
	}
}
