package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandHasHelpThatUsesTheInstalledName(t *testing.T) {
	root, _ := newRoot("containerd-shim-wasmgo-v1")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		t.Run(c.CommandPath(), func(t *testing.T) {
			root, _ := newRoot("containerd-shim-wasmgo-v1")
			var out bytes.Buffer
			root.SetOut(&out)
			root.SetErr(&out)
			root.SetArgs(append(strings.Fields(c.CommandPath())[1:], "--help"))
			if err := root.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), c.CommandPath()) {
				t.Errorf("the help does not say how the command is called:\n%s", out.String())
			}
			if c.Short == "" || !strings.Contains(out.String(), "--root") {
				t.Errorf("the help lacks its line of description or the common flags:\n%s", out.String())
			}
		})
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(root)
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"help is no error", []string{"--help"}, exitOK},
		{"an unknown command is a misuse", []string{"nonesuch"}, exitUsage},
		{"an unknown command of a group is a misuse", []string{"cache", "nonesuch"}, exitUsage},
		{"a group alone prints its help", []string{"cache"}, exitOK},
		{"what goes wrong is a failure", []string{"cache", "ls", "--root", "/nonesuch"}, exitFailed},
		{"a wrong value of a flag is a misuse", []string{"cache", "prune", "--keep", "much"}, exitUsage},
		{"nothing to do is a misuse", []string{"precompile"}, exitUsage},
		{"an unknown flag is a misuse", []string{"--nonesuch"}, exitUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := execute(t.Context(), append([]string{"containerd-shim-wasmgo-v1"}, c.args...)); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}
