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
	row := rows(out)
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
		if err := l.print(w, fmt.Sprintf("Layer %d: %s", i+1, l.Kind)); err != nil {
			return err
		}
	}
	for _, f := range r.Files {
		if err := f.print(w, "File:"); err != nil {
			return err
		}
	}
	return nil
}

func (l *LayerReport) print(w io.Writer, title string) error {
	if l.Title != "" {
		title += " " + printable(l.Title)
	}
	if _, err := fmt.Fprintf(w, "\n%s, %d bytes\n", title, l.Size); err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := rows(out)
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
	return out.Flush()
}

// rows writes lines of a key and a value that is not empty.
func rows(w io.Writer) func(key, value string) {
	return func(key, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", key, printable(value)) // an error of w stays with the tabwriter's Flush
		}
	}
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
