package shim

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// runtimeName is what a user asks for.
const runtimeName = "io.containerd.wasmgo.v1"

// flags are the arguments the launcher gives.
type flags struct {
	namespace, id, address, bundle string
	debug, shared                  bool
	action                         string
}

// Main runs the shim with the given arguments, without the program's name, and returns its exit code.
func Main(args []string) int {
	// What this process was born with beyond its streams and the socket is not for the runners it starts. An old kernel cannot
	// say so at once; there the descriptors of a well-behaved parent are all there is.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	err := run(args, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	f, err := parseFlags(args)
	if err != nil {
		return err
	}
	switch f.action {
	case "serve":
		return serve(f)
	case "reclaim":
		return reclaim(f, stdout)
	case "info":
		return printInfo(stdin, stdout)
	}
	return fmt.Errorf("this program is started by containerd-shim-wasmgo-v1, not by hand (action %q): %w", f.action, errdefs.ErrInvalidArgument)
}

func parseFlags(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet(runtimeName, flag.ContinueOnError)
	set.SetOutput(io.Discard) // Main prints the error once
	set.StringVar(&f.namespace, "namespace", "", "")
	set.StringVar(&f.id, "id", "", "")
	set.StringVar(&f.address, "address", "", "")
	set.StringVar(&f.bundle, "bundle", "", "")
	set.BoolVar(&f.debug, "debug", false, "")
	set.BoolVar(&f.shared, "shared", false, "")
	if err := set.Parse(args); err != nil {
		return f, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	f.action = set.Arg(0)
	switch {
	case f.action == "serve" && (f.namespace == "" || f.id == ""):
		return f, fmt.Errorf("serve without -namespace or -id: %w", errdefs.ErrInvalidArgument)
	case f.action == "reclaim" && f.bundle == "":
		return f, fmt.Errorf("reclaim without -bundle: %w", errdefs.ErrInvalidArgument)
	}
	return f, nil
}

// maxInput bounds what is read from stdin, in bytes.
const maxInput = 10 << 20

// readInput reads stdin to its end.
func readInput(stdin io.Reader) ([]byte, error) {
	input, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
	if err == nil && len(input) > maxInput {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, fmt.Errorf("read stdin: %w", err)
	}
	return input, nil
}
