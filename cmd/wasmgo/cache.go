package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/settings"
)

func newCache(s *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Look at the cache of compiled code, tidy it, check it",
		Long: `A module is compiled for this processor when it is first run, and kept. The setting cache-max bounds what is kept;
what has not been used for the longest time goes first, what a container runs stays.`,
	}
	cmd.AddCommand(newCacheLs(s), newCachePrune(s), newCacheVerify(s))
	return cmd
}

// openStore opens the cache as far as that goes without compiling.
func openStore(s *common) (*cache.Store, error) {
	return cache.OpenStore(s.root, s.cacheMax)
}

func newCacheLs(s *common) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List what is compiled, the last used first",
		Long: `List what is compiled, the last used first. SIZE is what it takes on disk; MODULE begins the SHA-256 of the module; COMPILED
is the processor time that compiling took; NAME is what the module was called where it was first compiled. A module that cannot be
compiled is remembered too: its reason stands in place of the name.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(s)
			if err != nil {
				return err
			}
			entries, err := store.List()
			if err != nil {
				return fmt.Errorf("list the cache: %w", err)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ENTRY\tMODULE\tSIZE\tUSED\tIN USE\tCOMPILED\tNAME")
			var total int64
			for _, e := range entries {
				total += e.Size
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", short(e.Key), short(e.Module), size(e.Size), ago(time.Since(e.Used)),
					yes(e.InUse), e.CPU.Round(10*time.Millisecond), describe(e))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "\n%s of at most %s\n", size(total), size(store.Max()))
			return nil
		},
	}
}

func newCachePrune(s *common) *cobra.Command {
	var keep sizeFlag
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove compiled code that no container runs",
		Long: `Remove compiled code that no container runs. With --keep the last used stays, as much as fits. What is removed is compiled
again when it is next needed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(s)
			if err != nil {
				return err
			}
			p, err := store.Prune(int64(keep))
			fmt.Fprintf(cmd.OutOrStdout(), "%s removed, %s freed; %d in use; %s left\n", entries(p.Removed), size(p.Freed), p.InUse, size(p.Left))
			return err
		},
	}
	cmd.Flags().Var(&keep, "keep", "how much to keep, such as 2GiB")
	return cmd
}

func newCacheVerify(s *common) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read all compiled code and remove what is not as it was made",
		Long: `Read all compiled code, compare it with the digests taken when it was made, and remove what is not the same. Each start of a
container checks lengths and both ends, and the first after a boot the whole; this does so at once. It fails if there was damage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(s)
			if err != nil {
				return err
			}
			whole, damaged := 0, 0
			err = store.Verify(cmd.Context(), func(v cache.Verified) {
				if v.Damage == nil {
					whole++
					return
				}
				damaged++
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  damaged, and removed: %s\n", short(v.Key), describe(v.Info), v.Damage)
			})
			fmt.Fprintf(cmd.OutOrStdout(), "%s whole, %d damaged\n", entries(whole), damaged)
			if err == nil && damaged > 0 {
				return errSilent
			}
			return err
		},
	}
}

// sizeFlag is a number of bytes on the command line.
type sizeFlag int64

func (f *sizeFlag) String() string { return strconv.FormatInt(int64(*f), 10) }
func (f *sizeFlag) Type() string   { return "size" }

func (f *sizeFlag) Set(text string) error {
	n, err := settings.ParseSize(text)
	*f = sizeFlag(n)
	return err
}

// describe is what a person knows an entry by. Names and reasons come from images; what is not printable in them is escaped.
func describe(e cache.Info) string {
	switch {
	case e.Module == "":
		return "(damaged)"
	case e.Refusal != "":
		line, _, _ := strings.Cut(e.Refusal, "\n")
		return printable(e.Name) + ": " + printable(line)
	}
	return printable(e.Name)
}

// printable escapes what could be taken for something else than text.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if quoted == `"`+s+`"` {
		return s
	}
	return quoted
}

// plain is a text of several lines without what would move a terminal's cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func short(digest string) string { return digest[:min(12, len(digest))] }

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// size is a number of bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// ago is a span of time for people.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}
