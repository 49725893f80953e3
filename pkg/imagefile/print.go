package imagefile

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(key, value string) {
		if value != "" {
			fmt.Fprintf(out, "%s\t%s\n", key, printable(value))
		}
	}
	row("Image:", r.Name)
	row("Digest:", r.Digest)
	row("Platform:", r.Platform)
	row("Shape:", string(r.Shape))
	row("Runs with:", r.Runs)
	row("Started:", r.Start)
	if err := out.Flush(); err != nil {
		return err
	}
	for i, l := range r.Layers {
		fmt.Fprintf(w, "\nLayer %d: %s", i+1, l.Kind)
		if l.Title != "" {
			fmt.Fprintf(w, " %s", printable(l.Title))
		}
		fmt.Fprintf(w, ", %d bytes\n", l.Size)
		row("  Media type:", l.MediaType)
		row("  Digest:", l.Digest)
		row("  Problem:", l.Problem)
		if l.Wasm != nil {
			row("  Kind:", string(l.Wasm.Kind))
			row("  WASI:", l.Wasm.WASI)
			row("  Started:", l.Wasm.Start)
			list(row, "  Imports:", l.Wasm.Imports)
			list(row, "  Exports:", l.Wasm.Exports)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func list(row func(key, value string), key string, names []string) {
	for _, n := range names {
		row(key, n)
		key = ""
	}
}

// printable keeps what a stranger wrote from moving the cursor or colouring the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}
