package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"wasmgo/pkg/peer"
	"wasmgo/pkg/settings"
)

func newConfig(s *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration file with its defaults, or what is set and by whom",
	}
	cmd.AddCommand(newConfigDefault(), newConfigShow(s))
	return cmd
}

func newConfigDefault() *cobra.Command {
	return &cobra.Command{
		Use:   "default",
		Short: "Print a configuration file in which every setting is explained and commented out",
		Long: `Print a configuration file in which every setting is explained and commented out. Nothing has to be set; the file is read from
` + settings.ConfigPath + `, or where ` + settings.FileVariable + ` in containerd's environment says.`,
		Example:     "  config default > " + settings.ConfigPath,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{toleratesSettings: "yes"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return settings.PrintDefault(cmd.OutOrStdout()) },
	}
}

// show is the command `config show`.
type show struct {
	common      *common
	options     string // file
	annotations []string
	env         []string
	json        bool
}

func newConfigShow(s *common) *cobra.Command {
	c := show{common: s}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print what is set, and where; fail if any of it is wrong",
		Long: `Print what is set, and where: the configuration file, the environment of the containerd that runs, and, if they are given, a runtime's
options and a container's annotations and variables, as a container with them would have it. It fails, and says why, where a
container's creation would. The environment of another user's containerd is for root to read; without it, it is that of the command.`,
		Example: "  config show\n  config show --annotation io.containerd.wasmgo.http-timeout=5s --env WASMGO_DENY=tcp",
		Args:    cobra.NoArgs,
		// What is wrong with the settings is what this command is there to tell, after it has read them where containerd is.
		Annotations: map[string]string{toleratesSettings: "yes"},
		RunE:        c.run,
	}
	cmd.Flags().StringVar(&c.options, "options", "", "the file that a runtime's option ConfigPath names")
	cmd.Flags().StringArrayVar(&c.annotations, "annotation", nil, "an annotation of a container, NAME=VALUE")
	cmd.Flags().StringArrayVar(&c.env, "env", nil, "a variable of a container, NAME=VALUE")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

// shown is a setting with its value.
type shown struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func (c *show) run(cmd *cobra.Command, _ []string) error {
	rows, err := c.rows(cmd)
	if err != nil {
		return err
	}
	if c.json {
		out := json.NewEncoder(cmd.OutOrStdout())
		out.SetIndent("", "  ")
		return out.Encode(rows)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, printable(r.Value), printable(r.Origin))
	}
	return w.Flush()
}

// rows is every setting: what somebody has said of it, and what holds where nobody has.
func (c *show) rows(cmd *cobra.Command) ([]shown, error) {
	environ, err := containerdEnviron(c.common.address)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "containerd's environment is not known (%s); the variables are this command's own\n", err)
		environ = os.Environ()
	}
	host, err := settings.ReadHost(environ)
	if err != nil {
		return nil, err
	}
	if c.options != "" {
		options, err := settings.ParseFile(c.options, settings.Options)
		if err != nil {
			return nil, err
		}
		host = host.With(options)
	}
	annotations := map[string]string{}
	for _, a := range c.annotations {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, fmt.Errorf("--annotation %q: want NAME=VALUE", a)
		}
		annotations[name] = value
	}
	container, err := settings.ReadContainer(annotations, c.env)
	if err != nil {
		return nil, err
	}
	if _, err := host.For(container); err != nil {
		return nil, err
	}
	return merge(host.Said(), container.Said()), nil
}

// merge lists every setting. What a container says stands above the operator's, and where the two go together both are shown.
func merge(host, container []settings.Said) []shown {
	var rows []shown
	for _, s := range settings.Table() {
		n := len(rows)
		for _, said := range container {
			if said.Setting.Name == s.Name {
				rows = append(rows, shown{said.Name(), s.Show(said.Text), said.At})
			}
		}
		for _, said := range host {
			if said.Setting.Name == s.Name && (len(rows) == n || s.Rule == settings.Adds) {
				rows = append(rows, shown{said.Name(), s.Show(said.Text), said.At})
			}
		}
		if len(rows) > n {
			continue
		}
		row := shown{s.Name, s.Default, "default"}
		if s.Default == "" {
			row.Value, row.Origin = "", "default: "+strings.ReplaceAll(s.Otherwise, "`", "")
		}
		rows = append(rows, row)
	}
	return rows
}

// containerdEnviron is the environment of the containerd behind a socket, which its shims have too.
func containerdEnviron(address string) ([]string, error) {
	p, err := peer.Of(strings.TrimPrefix(address, "unix://"))
	if err != nil {
		return nil, err
	}
	environ, err := p.Environ()
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: only root may read it", err)
	}
	return environ, err
}
