package shim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// runtimeName is what a user asks for.
const runtimeName = "io.containerd.wasmgo.v1"

// flags are the arguments containerd gives (docs/runtime-v2.md, "Command Line").
type flags struct {
	namespace, id, address, bundle string
	debug, version, info           bool
	action                         string
}

// Main runs the shim with the given arguments, without the program's name, and returns its exit code.
func Main(args []string) int {
	// What this process was born with beyond its three streams is not for the runners it starts. An old kernel cannot
	// say so at once; there the descriptors of a well-behaved parent are all there is.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	err := run(args, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", runtimeName, err)
		return 1
	}
	return 0
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := fmt.Fprint(stdout, usage)
		return err
	case err != nil:
		return err
	case f.version:
		return printVersion(stdout)
	case f.info:
		return printInfo(stdin, stdout)
	}
	switch f.action {
	case "start":
		return start(f, stdin, stdout)
	case "serve":
		return serve(f)
	case "delete":
		return remove(f, stdout)
	case "":
		_, err := fmt.Fprint(stdout, usage)
		return err
	}
	return fmt.Errorf("action %q is none of start and delete: %w", f.action, errdefs.ErrInvalidArgument)
}

const usage = `containerd-shim-wasmgo-v1 runs WebAssembly containers. It is started by containerd, not by hand, when a container's
runtime is io.containerd.wasmgo.v1:

    ctr run --rm --runtime io.containerd.wasmgo.v1 --platform wasi/wasm IMAGE NAME
    docker run --rm --runtime io.containerd.wasmgo.v1 --platform wasi/wasm IMAGE

    -v, -version   print the version
    -info          print a containerd.types.RuntimeInfo message
    -h, -help      print this text

    -namespace NAME -id ID -address SOCKET [-bundle DIR] [-debug] start|delete
                   what containerd calls (docs/runtime-v2.md of containerd)
`

func parseFlags(args []string) (flags, error) {
	var f flags
	var ignored string
	set := flag.NewFlagSet(runtimeName, flag.ContinueOnError)
	set.SetOutput(io.Discard) // main prints the error once, and the usage only if asked
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
		if errors.Is(err, flag.ErrHelp) {
			return f, err
		}
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

// revision is what the binary was built from.
func revision() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return version, revision
}

func printVersion(w io.Writer) error {
	version, revision := revision()
	_, err := fmt.Fprintf(w, "%s:\n  Version:  %s\n  Revision: %s\n  Go version: %s\n",
		filepath.Base(os.Args[0]), version, revision, runtime.Version())
	return err
}
