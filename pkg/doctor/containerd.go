package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/pelletier/go-toml/v2"

	"wasmgo/pkg/peer"
)

const (
	// shimName is the file that containerd looks for when a container's runtime is runtimeType.
	shimName    = "containerd-shim-wasmgo-v1"
	runtimeType = "io.containerd.wasmgo.v1"
	// runcShim runs the native containers of a pod.
	runcShim = "containerd-shim-runc-v2"
	// answerTimeout bounds one question to a daemon or a program.
	answerTimeout = 15 * time.Second
)

// daemon is a containerd that runs.
type daemon struct {
	address string
	client  *client.Client
	version string
	process peer.Process
	environ []string // nil if it is not known
	args    []string
	config  map[string]any // as `containerd config dump` has it; nil if it is not known
}

// containerd looks at the containerd behind address. It returns nil if that does not answer.
func (d *doctor) containerd(ctx context.Context, address string) *daemon {
	d.part = "containerd"
	return d.daemon(ctx, address)
}

func (d *doctor) daemon(ctx context.Context, address string) *daemon {
	c := &daemon{address: address}
	if !d.answers(ctx, c) {
		return nil
	}
	d.processOf(c)
	d.configOf(ctx, c)
	if path := d.installed(c); path != "" {
		d.runs(ctx, c, path)
	}
	d.native(c)
	return c
}

// answers looks whether the daemon does, and which version it is.
func (d *doctor) answers(ctx context.Context, c *daemon) bool {
	start := "systemctl start containerd    # if it listens elsewhere: " + shimName + " doctor --address SOCKET"
	process, err := peer.Of(c.address)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.fail("daemon", "there is no socket "+c.address, start)
		return false
	case errors.Is(err, os.ErrPermission):
		d.fail("daemon", c.address+" is not for this user", "sudo "+shimName+" doctor")
		return false
	case err != nil && !errors.Is(err, peer.ErrActivated):
		d.fail("daemon", fmt.Sprintf("nobody answers at %s: %s", c.address, err), start)
		return false
	}
	c.process = process
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if c.client, err = client.New(c.address, client.WithTimeout(answerTimeout)); err == nil {
		var v client.Version
		v, err = c.client.Version(ctx)
		c.version = v.Version
	}
	if err != nil {
		d.fail("daemon", fmt.Sprintf("%s does not answer as containerd: %s", c.address, err), start)
		return false
	}
	if !atLeast(c.version, 1, 7) {
		d.fail("daemon", "containerd "+c.version+" is older than 1.7, which is the oldest that wasmgo runs with", "# install containerd 1.7 or 2")
		return true
	}
	d.ok("daemon", "containerd "+c.version+" at "+c.address)
	return true
}

// atLeast compares versions such as v2.4.2 and 1.7.35~ds1. What is no version passes: somebody builds from a branch.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return true
	}
	a, err := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil {
		return true
	}
	return a > major || a == major && b >= minor
}

// processOf reads how the daemon was started.
func (d *doctor) processOf(c *daemon) {
	if c.process.Pid == 0 {
		d.warn("process", c.address+" is bound by init: how the daemon behind it was started is not known", "")
		return
	}
	if uid := c.process.UID; uid != 0 && uid != os.Geteuid() { // its program and its environment would be run with the rights of this user
		d.warn("process", fmt.Sprintf("process %d, which listens at %s, is user %d's: its PATH and configuration are not looked at", c.process.Pid, c.address, uid),
			fmt.Sprintf("sudo -u '#%d' %s doctor --address %s", uid, shimName, quote(c.address)))
		return
	}
	var err, err2 error
	c.environ, err = c.process.Environ()
	c.args, err2 = c.process.Args()
	if err := errors.Join(err, err2); err != nil {
		c.environ = nil
		d.warn("process", fmt.Sprintf("process %d, which listens at %s, can only be looked at by root: its PATH and configuration are not known", c.process.Pid, c.address),
			"sudo "+shimName+" doctor")
	}
}

// configOf has the daemon's own program read its configuration.
func (d *doctor) configOf(ctx context.Context, c *daemon) {
	if c.environ == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	args := []string{"config", "dump"}
	if path := c.configPath(); path != "" {
		args = append([]string{"--config", path}, args...)
	}
	out, err := c.run(ctx, c.process.Executable(), args...)
	if err == nil {
		err = toml.Unmarshal(out, &c.config)
	}
	if err != nil {
		d.fail("configuration", fmt.Sprintf("containerd cannot read %s, and will not start again: %s", c.configName(), err), "containerd --config "+quote(c.configName())+" config dump    # says what it is; correct that")
		return
	}
	d.ok("configuration", c.configName())
}

// run runs a program as the daemon would. What it complains of is in the error.
func (c *daemon) run(ctx context.Context, path string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = c.environ
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			lines := strings.Split(text, "\n")
			return nil, errors.New(lines[len(lines)-1])
		}
		return nil, err
	}
	return stdout.Bytes(), nil
}

// configPath is the argument --config of the daemon, "" without one.
func (c *daemon) configPath() string {
	for i, a := range c.args {
		if value, ok := strings.CutPrefix(strings.TrimPrefix(a, "-"), "-config="); ok {
			return value
		}
		if (a == "--config" || a == "-config" || a == "-c") && i+1 < len(c.args) {
			return c.args[i+1]
		}
	}
	return ""
}

// configName is the file of the daemon's configuration.
func (c *daemon) configName() string {
	if path := c.configPath(); path != "" {
		return path
	}
	return "/etc/containerd/config.toml"
}

// plugin is a plugin's part of the configuration.
func (c *daemon) plugin(name string) map[string]any {
	plugins, _ := c.config["plugins"].(map[string]any)
	plugin, _ := plugins[name].(map[string]any)
	return plugin
}

// path is where the daemon looks for shims, in its order: what it has installed itself, its PATH, and beside its own program.
func (c *daemon) path() []string {
	opt := "/opt/containerd"
	if path, ok := c.plugin("io.containerd.internal.v1.opt")["path"].(string); ok && path != "" {
		opt = path
	}
	dirs := []string{filepath.Join(opt, "bin")}
	dirs = append(dirs, filepath.SplitList(peer.Variable(c.environ, "PATH"))...)
	if exe, err := os.Readlink(c.process.Executable()); err == nil {
		dirs = append(dirs, filepath.Dir(strings.TrimSuffix(exe, " (deleted)")))
	}
	return dirs
}

// find is the file of that name that the daemon would execute, and the first of that name that it cannot execute.
func (c *daemon) find(name string) (path, lame string) {
	for _, dir := range c.path() {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		switch {
		case err != nil || info.IsDir():
		case info.Mode()&0o111 != 0:
			return file, lame
		case lame == "":
			lame = file
		}
	}
	return "", lame
}

// installed looks for the shim where the daemon does.
func (d *doctor) installed(c *daemon) string {
	if c.environ == nil {
		return ""
	}
	path, lame := c.find(shimName)
	if path == "" && lame != "" {
		d.fail("shim", lame+" is not executable", "chmod 755 "+quote(lame))
		return ""
	}
	if path == "" {
		source := d.Shim
		if source == "" {
			source = shimName
		}
		d.fail("shim", fmt.Sprintf("there is no %s along containerd's PATH (%s)", shimName, strings.Join(c.path(), ":")),
			fmt.Sprintf("install -m 755 %s %s", quote(source), quote(filepath.Join(c.home(), shimName))))
		return ""
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode()&0o022 != 0 {
		d.fail("shim", fmt.Sprintf("%s (mode %o) can be written by others than its owner: containerd runs it as root", path, info.Mode().Perm()), "chmod go-w "+quote(path))
		return path
	}
	if own, err := os.Stat(d.Shim); d.Shim != "" && err == nil && info != nil && !os.SameFile(own, info) && !sameContent(d.Shim, path) {
		d.warn("shim", fmt.Sprintf("containerd runs %s, which is another version than %s", path, d.Shim), fmt.Sprintf("install -m 755 %s %s", quote(d.Shim), quote(path)))
		return path
	}
	d.ok("shim", path)
	return path
}

// home is the directory of the daemon's PATH that a shim belongs in.
func (c *daemon) home() string {
	dirs := filepath.SplitList(peer.Variable(c.environ, "PATH"))
	for _, usual := range []string{"/usr/local/bin", "/usr/bin"} {
		if slices.Contains(dirs, usual) {
			return usual
		}
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return c.path()[0]
}

// sameContent reports whether two files are the same.
func sameContent(a, b string) bool {
	x, err := os.ReadFile(a)
	if err != nil {
		return false
	}
	y, err := os.ReadFile(b)
	return err == nil && bytes.Equal(x, y)
}

// runs runs the shim as containerd does to learn what it can do. That unpacks its programs.
func (d *doctor) runs(ctx context.Context, c *daemon, path string) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	out, err := c.run(ctx, path, "-info")
	if err == nil && !bytes.Contains(out, []byte(runtimeType)) {
		err = fmt.Errorf("it says %d bytes that are no answer", len(out))
	}
	if err != nil {
		d.fail("shim runs", fmt.Sprintf("%s -info: %s", path, err), quote(path)+" -info > /dev/null    # says it again; if the file is damaged, install it anew")
		return
	}
	d.ok("shim runs", "its programs are unpacked and answer")
}

// native looks for the shim of native containers.
func (d *doctor) native(c *daemon) {
	if c.environ == nil {
		return
	}
	if path, _ := c.find(runcShim); path != "" {
		d.ok("native containers", path)
		return
	}
	d.warn("native containers", "there is no "+runcShim+" along containerd's PATH: native containers in a Wasm pod cannot run", "# install the package containerd of the distribution, or put "+runcShim+" of the containerd release into "+c.home())
}
