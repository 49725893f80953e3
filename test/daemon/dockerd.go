package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// DockerDaemon is a dockerd of the test's own over a containerd of its own.
type DockerDaemon struct {
	Containerd *ContainerdDaemon
	Host       string // what DOCKER_HOST is set to

	dir  string
	log  *log
	proc *process
}

// Dockerd starts a dockerd, and the containerd below it, in a network namespace of their own. Both are stopped, and looked
// after for leaks, when the test ends.
func Dockerd(t testing.TB, opts ...Option) *DockerDaemon {
	t.Helper()
	NeedRoot(t)
	c := Containerd(t, append([]Option{InNetns(NewNetns(t))}, opts...)...)
	d := &DockerDaemon{
		Containerd: c,
		Host:       "unix://" + filepath.Join(c.Dir, "docker.sock"),
		dir:        filepath.Join(c.Dir, "docker"),
		log:        &log{},
	}
	for _, dir := range []string{d.dir, d.plugins()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(Tool(t, buildx), "buildx"), filepath.Join(d.plugins(), "docker-buildx")); err != nil {
		t.Fatal(err)
	}
	if err := d.writeConfig(t); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cleanup(t) })
	d.Start(t)
	return d
}

func (d *DockerDaemon) plugins() string { return filepath.Join(d.dir, "cli", "cli-plugins") }

// writeConfig is the daemon.json of the README, with paths of the test's own.
func (d *DockerDaemon) writeConfig(t testing.TB) error {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"hosts":                        []string{d.Host},
		"containerd":                   d.Containerd.Address,
		"containerd-namespace":         d.Containerd.Namespace,
		"containerd-plugins-namespace": d.Containerd.Namespace + "-plugins",
		"data-root":                    filepath.Join(d.dir, "root"),
		"exec-root":                    filepath.Join(d.dir, "exec"),
		"pidfile":                      filepath.Join(d.dir, "pid"),
		"cgroup-parent":                "/" + d.Containerd.Namespace,
		"exec-opts":                    []string{"native.cgroupdriver=cgroupfs"},
		"features":                     map[string]bool{"containerd-snapshotter": true},
		"runtimes":                     map[string]any{"wasmgo": map[string]string{"runtimeType": Runtime}},
		"userland-proxy-path":          filepath.Join(Tool(t, moby), "docker-proxy"),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "daemon.json"), config, 0o600)
}

// Start starts a daemon that is not running, and returns when it answers.
func (d *DockerDaemon) Start(t testing.TB) {
	t.Helper()
	path := filepath.Join(Tool(t, moby), "dockerd")
	p, err := spawn(d.Containerd.Netns, d.log, d.Containerd.env, path, "--config-file", filepath.Join(d.dir, "daemon.json"))
	if err != nil {
		t.Fatal(err)
	}
	d.proc = p
	web := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(d.Host, "unix://"))
		},
	}}
	err = p.ready(startTimeout, func() error {
		answer, err := web.Get("http://docker/_ping")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("ping: %s", answer.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Stop stops the daemon, and so its containers.
func (d *DockerDaemon) Stop(t testing.TB) {
	t.Helper()
	if err := d.proc.stop(); err != nil {
		t.Fatal(err)
	}
}

// Docker prepares a call of the docker CLI.
func (d *DockerDaemon) Docker(t testing.TB, args ...string) *Command {
	t.Helper()
	return &Command{
		path:  filepath.Join(Tool(t, dockerCLI), "docker"),
		Args:  args,
		env:   append(d.Containerd.env, "DOCKER_HOST="+d.Host, "DOCKER_CONFIG="+filepath.Join(d.dir, "cli"), "DOCKER_CONTEXT="),
		netns: d.Containerd.Netns,
	}
}

// Script prepares a call of a program that calls docker, which it finds on its PATH; env are further variables, NAME=VALUE.
func (d *DockerDaemon) Script(t testing.TB, path string, env []string, args ...string) *Command {
	t.Helper()
	c := d.Docker(t, args...)
	c.env = append(slices.Concat(c.env, env), "PATH="+filepath.Dir(c.path)+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.path = path
	return c
}

// cleanup removes what the test left, stops the daemon and looks for what dockerd itself should have undone; the rest is
// for the containerd below it.
func (d *DockerDaemon) cleanup(t testing.TB) {
	defer d.log.printOnFailure(t, "dockerd")
	if d.proc == nil {
		return
	}
	var errs []error
	command := func(args ...string) string {
		ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
		defer cancel()
		out, err := d.Docker(t, args...).Prepare(ctx).Output()
		errs = append(errs, err)
		return strings.TrimSpace(string(out))
	}
	for _, id := range strings.Fields(command("ps", "--all", "--quiet")) {
		errs = append(errs, fmt.Errorf("container %s was left behind", id))
		command("rm", "--force", "--volumes", id)
	}
	errs = append(errs, settle(func() error { return d.noInterfaces(t) }), d.proc.stop())
	// dockerd keeps the namespace of --network host as a mount, and leaves it there when it stops.
	err := unix.Unmount(filepath.Join(d.dir, "exec", "netns", "default"), 0)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Errorf("dockerd: %v", err)
	}
}

// noInterfaces returns an error if the daemon's network namespace still has the host's end of a container's interface.
func (d *DockerDaemon) noInterfaces(t testing.TB) error {
	if out := strings.TrimSpace(d.Containerd.Netns.Run(t, "ip", "-oneline", "link", "show", "type", "veth")); out != "" {
		return fmt.Errorf("interface left: %s", out)
	}
	return nil
}
