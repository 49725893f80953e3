package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/install"
)

// installFlags are those of install and of uninstall.
type installFlags struct {
	host, node string
	at         install.Host
}

func (f *installFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.host, "host", "", "directory at which the host's root directory is mounted, where this is a container; all other paths are the host's")
	flags.StringVar(&f.node, "node", "", "name of the Kubernetes node to be labelled, where this is a pod")
	flags.StringVar(&f.at.Program, "program", "/usr/local/bin/containerd-shim-wasmgo-v1", "where the program goes")
	flags.StringVar(&f.at.Containerd, "containerd", "containerd", "containerd's program")
	flags.StringVar(&f.at.Config, "config", "/etc/containerd/config.toml", "containerd's configuration")
	flags.StringVar(&f.at.DropIns, "drop-ins", "/etc/containerd/conf.d", "directory for wasmgo's part of the configuration")
	flags.StringVar(&f.at.Handler, "handler", "wasmgo", "name that a RuntimeClass has for wasmgo")
	flags.StringVar(&f.at.Restart, "restart", "", "command that restarts containerd; without it systemctl does")
}

// prepare makes the host the root directory of this process, once all is open that the container alone has.
func (f *installFlags) prepare(cmd *cobra.Command, s *common) (at *install.Host, node *install.Node, err error) {
	f.at.Root, f.at.Address = s.root, s.address
	f.at.Log = func(format string, args ...any) { fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
	if f.node != "" {
		if node, err = install.NodeOfPod(f.node); err != nil {
			return nil, nil, err
		}
	}
	if f.host != "" {
		if err := unix.Chroot(f.host); err != nil {
			return nil, nil, &os.PathError{Op: "chroot", Path: f.host, Err: err}
		}
		if err := os.Chdir("/"); err != nil {
			return nil, nil, err
		}
	}
	return &f.at, node, nil
}

func newInstall(s *common) *cobra.Command {
	var f installFlags
	var stay, check bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put this program on a host and into containerd's configuration",
		Long: `Put this program where containerd finds it, and a runtime handler for pods into containerd's configuration: as a file of its own
in the drop-in directory, or with containerd 1 as a block at the end of the main file. containerd is asked whether it reads the result, and whether
anything else would change by it, before the files are touched; then it is restarted, and if it does not come up all is put back. What
is done already is not done again.`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{toleratesSettings: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, size, err := self()
			if err != nil {
				return err
			}
			defer source.Close()
			f.at.Source, f.at.SourceSize = source, size
			at, node, err := f.prepare(cmd, s)
			if err != nil {
				return err
			}
			if check {
				return at.Check(cmd.Context())
			}
			if err := at.Install(cmd.Context()); err != nil {
				return err
			}
			if err := label(cmd.Context(), node, true); err != nil {
				return err
			}
			if stay {
				<-cmd.Context().Done()
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&stay, "stay", false, "do not end when all is done, as befits the container of a DaemonSet")
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; fail unless all is done")
	return cmd
}

func newUninstall(s *common) *cobra.Command {
	var f installFlags
	var stay, check bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take wasmgo off a host and out of containerd's configuration",
		Long: `Undo install: containerd's configuration is what it was before, byte for byte where nobody else has changed it, and the program and the
data directory are gone. It is refused while there are containers of wasmgo, for nobody could delete them afterwards; a Kubernetes node
gets no new ones meanwhile, since its label goes first.`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{toleratesSettings: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, node, err := f.prepare(cmd, s)
			if err != nil {
				return err
			}
			if check {
				return at.CheckGone()
			}
			if err := label(cmd.Context(), node, false); err != nil {
				return err
			}
			if err := at.Uninstall(cmd.Context()); err != nil {
				return err
			}
			if stay {
				<-cmd.Context().Done()
			}
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&stay, "stay", false, "do not end when all is done, as befits the container of a DaemonSet")
	cmd.Flags().BoolVar(&f.at.Wait, "wait", false, "wait for the last container of wasmgo to be deleted")
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; fail if there is anything left")
	return cmd
}

// self opens the program that the user has started, with all others inside.
func self() (f *os.File, size int64, err error) {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		return nil, 0, fmt.Errorf("find this program: %w", err)
	}
	f, err = os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// label labels the node, if it is one.
func label(ctx context.Context, node *install.Node, installed bool) error {
	if node == nil {
		return nil
	}
	return node.SetInstalled(ctx, installed)
}
