package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wasmgo/pkg/doctor"
)

func newDoctor(s *common) *cobra.Command {
	var c doctor.Config
	var asJSON, strict bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether containers of wasmgo can run on this host, and say what to do where they cannot",
		Long: `Look whether containers of wasmgo can run on this host: the kernel and its control groups, the shim as containerd finds and runs it, the
settings, the cache, CRI, and Docker. The daemons that run are asked, not only their files. What is wrong is told with what to do about
it, a command or lines for a file.

The exit code is 0 if nothing has failed, also with warnings; 1 if something has, or, with --strict, if there are warnings; 2 if the
command line makes no sense.`,
		Example:     "  doctor\n  doctor --for kubernetes --strict\n  doctor --address /run/k3s/containerd/containerd.sock --json",
		Annotations: map[string]string{toleratesSettings: "yes"},
		Args: func(cmd *cobra.Command, args []string) error {
			for _, use := range c.For {
				if !slices.Contains(doctor.Uses, use) {
					return fmt.Errorf("--for %q: want any of %s", use, strings.Join(doctor.Uses, ", "))
				}
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Containerd, c.Shim = s.address, installedFile()
			report := doctor.Examine(cmd.Context(), c)
			print := report.Print
			if asJSON {
				print = report.PrintJSON
			}
			if err := print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if report.Failed > 0 || strict && report.Warned > 0 {
				return errSilent
			}
			return nil
		},
	}
	flags := cmd.Flags()
	docker := fromEnvironment("DOCKER_HOST", "unix:///var/run/docker.sock")
	if !strings.HasPrefix(docker, "unix://") { // another machine's
		docker = "unix:///var/run/docker.sock"
	}
	flags.StringVar(&c.Docker, "docker", docker, "dockerd's socket; $DOCKER_HOST")
	flags.StringSliceVar(&c.For, "for", nil, "what has to work: docker, kubernetes (containerd always has to)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	if err := cmd.RegisterFlagCompletionFunc("for", words(doctor.Uses...)); err != nil {
		panic(err) // there is no such flag: a mistake in this file
	}
	flags.BoolVar(&strict, "strict", false, "take warnings for failures")
	return cmd
}

// installedFile is the file by whose name this program was called, "" if there is none.
func installedFile() string {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		return ""
	}
	if path, err = filepath.Abs(path); err != nil {
		return ""
	}
	return path
}
