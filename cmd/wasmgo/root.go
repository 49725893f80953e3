package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wasmgo/pkg/settings"
)

// Exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and went wrong, or something that was asked for is not so
	exitUsage  = 2 // nothing was tried: the command line makes no sense
)

// common are the flags every command has.
type common struct {
	// root is the data directory: compiled code, unpacked programs.
	root string
	// cacheMax bounds compiled code, in bytes; 0 is the default.
	cacheMax int64
	// metrics is the directory of the shims' sockets for figures, "" for none.
	metrics string
	// address is containerd's socket, namespace the one of its namespaces that REFs are looked up in.
	address, namespace string
}

// groups make the commands below the root, in the order of the help text.
var groups = []func(*common) *cobra.Command{newCache, newConfig, newDoctor, newImage, newMetrics, newPrecompile, newInstall, newUninstall}

// errSilent is an error whose message the command has printed already.
var errSilent = errors.New("reported")

// execute runs the command that argv names, argv[0] being the name the user knows, and returns the exit code.
func execute(ctx context.Context, argv []string) int {
	root, started := newRoot(filepath.Base(argv[0]))
	root.SetArgs(argv[1:])
	err := root.ExecuteContext(ctx)
	return report(root, *started, err)
}

// report prints err, how the command below root ended, and returns the exit code.
func report(root *cobra.Command, started bool, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %s\n", root.Name(), err)
	if !started {
		fmt.Fprintf(root.ErrOrStderr(), "`%s --help` lists what there is.\n", root.Name())
		return exitUsage
	}
	return exitFailed
}

// newRoot makes the command without a name, and says where it is told that the command line has been understood.
func newRoot(name string) (root *cobra.Command, started *bool) {
	var s common
	started = new(bool)
	root = &cobra.Command{
		Use:   name,
		Short: "WebAssembly containers for containerd",
		Long: name + ` runs WebAssembly containers. containerd starts it by itself for a container whose runtime is
io.containerd.wasmgo.v1; these are the commands for people.

In a shell, "source <(` + name + ` completion bash)" completes their names and flags; zsh, fish and powershell in place of bash.`,
		// Errors are printed once, in execute; the whole help is no answer to one wrong flag.
		SilenceErrors: true,
		SilenceUsage:  true,
		// A command that got as far as this has understood its arguments.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			*started = true
			return s.complete(cmd)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.root, "root", "", "data directory in place of what the settings say ("+settings.DefaultRoot+")")
	flags.StringVarP(&s.address, "address", "a", fromEnvironment("CONTAINERD_ADDRESS", "/run/containerd/containerd.sock"), "containerd's socket; $CONTAINERD_ADDRESS")
	flags.StringVarP(&s.namespace, "namespace", "n", fromEnvironment("CONTAINERD_NAMESPACE", "default"), "containerd's namespace; $CONTAINERD_NAMESPACE (Docker's is moby)")
	for _, group := range groups {
		root.AddCommand(group(&s))
	}
	sayWhatIsUnknown(root)
	return root, started
}

// toleratesSettings marks commands that are about settings: wrong ones do not keep them from running.
const toleratesSettings = "tolerates-settings"

// complete takes what no flag says from the settings, as a shim would.
func (c *common) complete(cmd *cobra.Command) error {
	host, err := settings.ReadHost(os.Environ())
	// A file that only root may read is about what root does.
	foreign := errors.Is(err, os.ErrPermission) && os.Geteuid() != 0
	if err != nil && !foreign && cmd.Annotations[toleratesSettings] == "" && !ofShell(cmd) {
		return err
	}
	v := host.Values()
	c.cacheMax, c.metrics = v.CacheMax, v.Metrics
	if c.root == "" {
		c.root = v.Root
	}
	return nil
}

// ofShell reports whether a command is one that cobra has for the shell, which must not hear of settings while a user types.
func ofShell(cmd *cobra.Command) bool {
	return cmd.Name() == cobra.ShellCompRequestCmd || cmd.Name() == cobra.ShellCompNoDescRequestCmd || cmd.HasParent() && cmd.Parent().Name() == "completion"
}

// words is a completion of the values of a flag, and of nothing else.
func words(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// sayWhatIsUnknown makes a mistyped subcommand of a group an error, where cobra would print the group's help and be content.
func sayWhatIsUnknown(c *cobra.Command) {
	if c.Parent() != nil && c.HasSubCommands() && c.Args == nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	for _, child := range c.Commands() {
		sayWhatIsUnknown(child)
	}
}

func fromEnvironment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
