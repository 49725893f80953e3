package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newCache(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "cache", Short: "Look at the cache of compiled code, and tidy it"}
	cmd.AddCommand(newCacheLs(s))
	return cmd
}

func newCacheLs(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List what is compiled",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			entries, err := os.ReadDir(filepath.Join(s.root, "code"))
			if err != nil {
				return fmt.Errorf("list the cache: %w", err)
			}
			for _, e := range entries {
				if e.IsDir() && filepath.Ext(e.Name()) == "" {
					fmt.Fprintln(cmd.OutOrStdout(), e.Name())
				}
			}
			return nil
		},
	}
}
