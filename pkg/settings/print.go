package settings

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// PrintDefault writes the file of settings as it would be with nothing set: every line a comment.
func PrintDefault(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Settings of wasmgo: " + ConfigPath + ", or what " + FileVariable + " in containerd's environment names.\n" +
		"# What begins with # is a comment; each value is the default, or an example where it says so. A change holds from the next\n" +
		"# container on. `containerd-shim-wasmgo-v1 config show` tells what is in force, and checks this file.\n")
	heading := ""
	for _, s := range rows() {
		if s.Where&File == 0 {
			continue
		}
		if s.Heading != heading {
			heading = s.Heading
			fmt.Fprintf(&b, "\n######## %s ########\n", heading)
		}
		b.WriteByte('\n')
		for _, line := range wrap(s.Doc, 110) {
			b.WriteString("# " + line + "\n")
		}
		if by := s.Rule.sentence(); by != "" {
			b.WriteString("# " + by + "\n")
		}
		if s.Default == "" {
			fmt.Fprintf(&b, "# Default: %s. An example:\n", s.Otherwise)
		}
		if s.family {
			// Not as a table: what is below it in the file would be of the table.
			fmt.Fprintf(&b, "#%s.%s\n", s.Name, s.Example)
			continue
		}
		fmt.Fprintf(&b, "#%s = %s\n", s.Name, s.TOML(s.value()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// value is the default, or the example.
func (s *Setting) value() string {
	if s.Default != "" {
		return s.Default
	}
	return s.Example
}

// TOML is a value as the file has it.
func (s *Setting) TOML(text string) string {
	if s.bare {
		return text
	}
	return strconv.Quote(text)
}

// sentence tells an operator what a container may say.
func (r Rule) sentence() string {
	switch r {
	case Free:
		return "A container's own value takes its place."
	case Maximum:
		return "A container may have less by a value of its own, and not more."
	case Adds:
		return "What a container says itself is added."
	}
	return ""
}

// PrintReference writes the table as Markdown, for docs/settings.md.
func PrintReference(w io.Writer) error {
	var b strings.Builder
	heading := ""
	for _, s := range rows() {
		if s.Heading != heading {
			heading = s.Heading
			fmt.Fprintf(&b, "\n### %s\n\n| setting | value | default | where | |\n|---|---|---|---|---|\n", heading)
		}
		otherwise := s.Otherwise
		if s.Default != "" {
			otherwise = "`" + s.Default + "`"
		}
		name := "`" + s.Name + "`"
		if s.family {
			name = "`" + s.Name + ".KEY`"
		}
		if s.Alias != "" {
			name += ", option `" + s.Alias + "`"
		}
		doc := s.Doc
		if by := s.Rule.sentence(); by != "" {
			doc += " " + by
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, s.Kind, otherwise, s.Where, doc)
	}
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

// String names the places, those of the operator first.
func (w Where) String() string {
	if w == Everywhere {
		return "everywhere"
	}
	var names []string
	for _, place := range []struct {
		where Where
		name  string
	}{{File, "file"}, {Environment, "environment"}, {Options, "options"}, {Variable, "variable"}, {Annotation, "annotation"}} {
		if w&place.where != 0 {
			names = append(names, place.name)
		}
	}
	return strings.Join(names, ", ")
}

// wrap breaks text into lines of at most width bytes, where its words allow it.
func wrap(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
