package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Print writes a report for people.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	part := ""
	for _, f := range r.Findings {
		if f.Part != part {
			part = f.Part
			fmt.Fprintf(&b, "%s\n", part)
		}
		fmt.Fprintf(&b, "  %-4s  %s: %s\n", f.Grade, f.Check, clean(f.Found))
		if f.Fix == "" {
			continue
		}
		if f.File == "" {
			fmt.Fprintf(&b, "        fix: %s\n", clean(f.Fix))
			continue
		}
		fmt.Fprintf(&b, "        fix: in %s\n", clean(f.File))
		for line := range strings.SplitSeq(f.Fix, "\n") {
			fmt.Fprintf(&b, "            %s\n", clean(line))
		}
		if f.Then != "" {
			fmt.Fprintf(&b, "        then: %s\n", clean(f.Then))
		}
	}
	fmt.Fprintf(&b, "%d failed, %d warned, of %d\n", r.Failed, r.Warned, len(r.Findings))
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintJSON writes a report for programs.
func (r Report) PrintJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

// clean replaces what would move a terminal's cursor: daemons and files say some of what is printed.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) { // those of C1 too: U+009B begins an escape sequence
			return ' '
		}
		return r
	}, s)
}
