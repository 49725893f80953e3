package launch

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/programs"
	"wasmgo/pkg/settings"
)

// runtimeName is what a user asks for.
const runtimeName = "io.containerd.wasmgo.v1"

// flags are the arguments containerd gives (docs/runtime-v2.md, "Command Line").
type flags struct {
	namespace, id, address, bundle string
	debug, version, info           bool
	action                         string
}

// launcher is one run of the program.
type launcher struct {
	// archive opens the archive of programs; fs.ErrNotExist if this launcher was built without one.
	archive func() (io.ReadCloser, error)
	stdin   io.Reader
	stdout  io.Writer
}

// Main runs the launcher with the given arguments, without the program's name, and returns its exit code. Archive opens the archive
// of package programs; its error is fs.ErrNotExist if there is none.
func Main(args []string, archive func() (io.ReadCloser, error)) int {
	// What this process was born with beyond its three streams is not for those it starts. An old kernel cannot
	// say so at once; there the descriptors of a well-behaved parent are all there is.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	l := launcher{archive, os.Stdin, os.Stdout}
	if err := l.run(args); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", runtimeName, err)
		return 1
	}
	return 0
}

func (l launcher) run(args []string) error {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return l.become(programs.Dir.CLI, args)
	}
	f, err := parseFlags(args)
	switch {
	case err != nil:
		return err
	case f.version:
		return l.printVersion()
	case f.info:
		return l.become(programs.Dir.Shim, []string{"info"})
	}
	switch f.action {
	case "start":
		return l.start(f)
	case "delete":
		return l.remove(f)
	}
	return fmt.Errorf("action %q is none of start and delete; `%s --help` tells what else there is: %w",
		f.action, filepath.Base(os.Args[0]), errdefs.ErrInvalidArgument)
}

func parseFlags(args []string) (flags, error) {
	var f flags
	var ignored string
	set := flag.NewFlagSet(runtimeName, flag.ContinueOnError)
	set.SetOutput(io.Discard) // Main prints the error once
	set.StringVar(&f.namespace, "namespace", "", "")
	set.StringVar(&f.id, "id", "", "")
	set.StringVar(&f.address, "address", "", "")
	set.StringVar(&f.bundle, "bundle", "", "")
	set.BoolVar(&f.debug, "debug", false, "")
	set.BoolVar(&f.version, "v", false, "")
	set.BoolVar(&f.version, "version", false, "")
	set.BoolVar(&f.info, "info", false, "")
	set.StringVar(&ignored, "publish-binary", "", "") // events go to TTRPC_ADDRESS
	set.StringVar(&ignored, "socket", "", "")
	set.StringVar(&ignored, "debug-socket", "", "")
	if err := set.Parse(args); err != nil {
		return f, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	f.action = set.Arg(0)
	if f.action == "" {
		return f, nil
	}
	for _, required := range []struct{ name, value string }{{"namespace", f.namespace}, {"id", f.id}} {
		if required.value == "" || strings.ContainsAny(required.value, "/\x00") {
			return f, fmt.Errorf("-%s %q: %w", required.name, required.value, errdefs.ErrInvalidArgument)
		}
	}
	return f, nil
}

func (l launcher) printVersion() error {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(l.stdout, "%s:\n  Version:  %s\n  Revision: %s\n  Go version: %s\n", filepath.Base(os.Args[0]), version, revision, runtime.Version())
	return err
}

// programs is where the other programs lie; root is the directory they are unpacked in if they have to be.
func (l launcher) programs(root string) (programs.Dir, error) {
	if dir, err := programs.Given(); err == nil {
		return dir, nil
	}
	dir, err := programs.Unpack(root, l.archive)
	if errors.Is(err, fs.ErrNotExist) {
		return "", programs.ErrNone
	}
	return dir, err
}

// userRoot is where a user's programs are unpacked. One who may not write where the shim's are has a cache directory.
func userRoot(host settings.Host) string {
	root := host.Values().Root
	if os.Geteuid() == 0 || root != settings.DefaultRoot {
		return root
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "wasmgo")
	}
	return root
}
