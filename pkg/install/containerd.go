package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/pelletier/go-toml/v2"
)

const (
	// answerTimeout bounds one question to containerd, by command or by its socket.
	answerTimeout = 30 * time.Second
	// restartTimeout bounds the command that restarts it, and then its coming up. systemd gives a unit 90 s.
	restartTimeout = 2 * time.Minute
)

// containerd is the program on the host.
type containerd struct {
	path  string
	major int
}

// versionText is what `containerd --version` says: name, import path, version, revision.
var versionText = regexp.MustCompile(`(?m)^containerd \S+ v?(\d+)\.`)

// findContainerd returns the host's containerd.
func (h *Host) findContainerd(ctx context.Context) (*containerd, error) {
	path, err := exec.LookPath(h.Containerd)
	if err != nil {
		return nil, fmt.Errorf("find containerd: %w", err)
	}
	out, err := output(ctx, path, "--version")
	if err != nil {
		return nil, err
	}
	major, err := majorOf(out)
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", path, err)
	}
	return &containerd{path, major}, nil
}

func majorOf(text []byte) (int, error) {
	m := versionText.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q names no version", text)
	}
	return strconv.Atoi(string(m[1]))
}

// dump returns a configuration as containerd has read it, with all that it imports and all defaults. A file that does not exist is as an empty one.
func (c *containerd) dump(ctx context.Context, path string) (map[string]any, error) {
	out, err := output(ctx, c.path, "--config", path, "config", "dump")
	if err != nil {
		return nil, err
	}
	var config map[string]any
	if err := toml.Unmarshal(out, &config); err != nil {
		return nil, fmt.Errorf("%s config dump: %w", c.path, err)
	}
	return config, nil
}

// output runs a program of the host and returns its stdout. The error has what it said.
func output(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return run(exec.CommandContext(ctx, path, args...))
}

func run(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // a child of the command may have its streams
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLine(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// lastLine is the end of what a program has complained about.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// systemd is there when this directory is (sd_booted(3)).
const systemd = "/run/systemd/system"

// restart restarts containerd, and returns when the new one answers and runs pods.
func (h *Host) restart(ctx context.Context) error {
	command := h.Restart
	if command == "" {
		if _, err := os.Stat(systemd); err != nil {
			return errors.New("this host has no systemd: say by --restart what command restarts containerd")
		}
		command = "systemctl restart containerd"
	}
	ctx, cancel := context.WithTimeout(ctx, restartTimeout)
	defer cancel()
	before, _ := h.ask(ctx) // it need not run
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	// The installer has changed its root to the host's; systemctl takes that for a host being installed, and would do nothing.
	cmd.Env = append(os.Environ(), "SYSTEMD_IGNORE_CHROOT=1")
	if _, err := run(cmd); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		after, err := h.ask(ctx)
		if err == nil && after == before {
			err = fmt.Errorf("the one that runs is the one that ran before (process %d)", after)
		}
		var broken *brokenPlugin
		if err == nil || errors.As(err, &broken) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not up within %v: %w", restartTimeout, err)
		case <-tick.C:
		}
	}
}

// brokenPlugin is what containerd says of its plugin for pods, which does not come up.
type brokenPlugin struct{ reason string }

func (b *brokenPlugin) Error() string { return "containerd runs, but takes no pods: " + b.reason }

// ask returns the process id of the containerd that runs, if it runs pods.
func (h *Host) ask(ctx context.Context) (pid uint64, err error) {
	c, err := h.connect()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	server, err := c.IntrospectionService().Server(ctx)
	if err != nil {
		return 0, err
	}
	plugins, err := c.IntrospectionService().Plugins(ctx, "type==io.containerd.grpc.v1,id==cri")
	if err != nil {
		return 0, err
	}
	for _, p := range plugins.Plugins {
		if p.InitErr != nil {
			return 0, &brokenPlugin{p.InitErr.Message}
		}
	}
	if len(plugins.Plugins) == 0 {
		return 0, &brokenPlugin{"its CRI plugin is disabled"}
	}
	return server.Pid, nil
}

// connect opens a connection to containerd, for one who closes it. Without a timeout of its own the client would wait for a socket for 10 s.
func (h *Host) connect() (*client.Client, error) {
	return client.New(h.Address, client.WithTimeout(time.Second))
}

// ours are filters for containers of wasmgo, any of which is enough: a runtime may be asked for by the path of its program, too.
func (h *Host) ours() []string {
	return []string{"runtime.name==" + runtimeType, "runtime.name==" + strconv.Quote(h.Program)}
}

// containers returns the containers of wasmgo that containerd knows, in all its namespaces, as NAMESPACE/ID.
func (h *Host) containers(ctx context.Context) ([]string, error) {
	c, err := h.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	spaces, err := c.NamespaceService().List(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, space := range spaces {
		list, err := c.ContainerService().List(namespaces.WithNamespace(ctx, space), h.ours()...)
		if err != nil {
			return nil, err
		}
		for _, container := range list {
			names = append(names, space+"/"+container.ID)
		}
	}
	slices.Sort(names)
	return names, nil
}
