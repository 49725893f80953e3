package sandbox

import (
	"context"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
)

// Config is everything one sandbox is built from.
type Config struct {
	// Namespace and ID are containerd's names of the container.
	Namespace, ID string
	// Bundle is the absolute path of the directory that holds config.json; sandbox.json is written beside it.
	Bundle string
	// Spec is config.json. Start calls Check on it.
	Spec *specs.Spec
	// Rootfs are containerd's mounts of the root file system, in order. They are made on <bundle>/<root.path>, in the
	// sandbox's mount namespace only: the host never sees them. With none, root.path is the root file system as it stands.
	Rootfs []Mount
	// Stdio are the child's descriptors 0, 1 and 2; nil is /dev/null. Start does not close them. With Terminal they are not
	// used.
	Stdio [3]*os.File
	// Terminal gives the child a pseudo-terminal; its other side is Process.Console.
	Terminal bool
	// Runner is the directory that holds the file "runner".
	Runner string
	// Server is as Runner, for guests that need something of it, and for all whose runner is born before it is known what they need. "" is
	// Runner.
	Server string
	// Program is the file in Runner to execute in the runner's place, "" for the runner. It speaks the handover as the runner does. Server is "" then.
	Program string
	// SystemdCgroup makes the control group through systemd; linux.cgroupsPath has the form slice:prefix:name then.
	SystemdCgroup bool
	// Guest is called when the root file system stands, on the goroutine that called Start, outside of the sandbox. root is an
	// O_PATH descriptor of the container's "/" as seen with all its mounts, valid during the call, and not read-only yet where
	// root.readonly asks for that. Guest returns what to hand over and the directory with the compiled code, nil if there is
	// none to load; Start closes code and g.
	Guest func(ctx context.Context, root *os.File) (g handover.Guest, code *os.File, err error)
}

// Mount is one of containerd's mounts of a root file system, as in types.Mount of its API.
type Mount struct {
	Type    string
	Source  string
	Target  string // below the root file system; "" is its top
	Options []string
}

// rootfs is the absolute path of the root file system's directory on the host.
func (c *Config) rootfs() string {
	if filepath.IsAbs(c.Spec.Root.Path) {
		return filepath.Clean(c.Spec.Root.Path)
	}
	return filepath.Join(c.Bundle, c.Spec.Root.Path)
}

// linux returns the spec's Linux part, which may be left out of config.json.
func linux(s *specs.Spec) *specs.Linux {
	if s.Linux == nil {
		return &specs.Linux{}
	}
	return s.Linux
}

// maxArgv bounds in bytes the arguments that show in the runner's command line. The guest gets all of its arguments in the
// handover; these are for ps and docker top, and execve(2) refuses more than it likes.
const maxArgv = 4096

// argv is the runner's command line: the guest's, as far as it is sensible to show.
func argv(args []string) []string {
	var shown []string
	left := maxArgv
	for _, a := range args {
		if len(a) > left {
			break
		}
		left -= len(a) + 1
		shown = append(shown, a)
	}
	if len(shown) == 0 {
		return []string{"wasm"}
	}
	return shown
}
