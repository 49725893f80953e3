package toolbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

func grepApplet() Applet {
	return Applet{Name: "grep", Synopsis: "PATTERN [FILE...]", Summary: "show the lines that have a pattern", run: grep, Flags: []Flag{
		{Short: 'i', Long: "ignore-case", Help: "capitals are as small letters"},
		{Short: 'v', Long: "invert-match", Help: "the lines that have not"},
		{Short: 'c', Long: "count", Help: "how many lines"},
		{Short: 'l', Long: "files-with-matches", Help: "the names of the files only"},
		{Short: 'L', Help: "the names of the files without"},
		{Short: 'n', Long: "line-number", Help: "with the number of the line"},
		{Short: 'q', Long: "quiet", Help: "show nothing: the exit code says it"},
		{Short: 's', Help: "say nothing of files that cannot be read"},
		{Short: 'o', Long: "only-matching", Help: "what fits the pattern, not the whole line"},
		{Short: 'w', Long: "word-regexp", Help: "whole words only"},
		{Short: 'x', Long: "line-regexp", Help: "whole lines only"},
		{Short: 'h', Help: "without the names of files"},
		{Short: 'H', Help: "with the names of files"},
		{Short: 'r', Long: "recursive", Help: "directories with all that is in them"},
		{Short: 'R', Help: "as -r"},
		{Short: 'F', Long: "fixed-strings", Help: "the pattern is plain text"},
		{Short: 'E', Long: "extended-regexp", Help: "the pattern is an extended one"},
		{Short: 'e', Long: "regexp", Value: "PATTERN", Help: "a pattern; may be there more than once"},
		{Short: 'm', Long: "max-count", Value: "COUNT", Help: "so many lines of a file at most"},
		{Short: 'A', Value: "COUNT", Help: "with so many lines after each"},
		{Short: 'B', Value: "COUNT", Help: "with so many lines before each"},
		{Short: 'C', Value: "COUNT", Help: "with so many lines around each"},
	}}
}

// search is a grep that goes on.
type search struct {
	*Call
	pattern       *regexp.Regexp
	names         bool
	before, after int
	most          int
	found         bool
}

func grep(c *Call) error {
	patterns := c.flags["e"]
	if len(patterns) == 0 {
		if len(c.args) == 0 {
			return misused("wants a pattern")
		}
		patterns, c.args = c.args[:1], c.args[1:]
	}
	s := &search{Call: c, most: -1}
	var err error
	if s.pattern, err = c.pattern(patterns); err != nil {
		return misused("%v", err)
	}
	for _, f := range []struct {
		key string
		to  []*int
	}{{"C", []*int{&s.before, &s.after}}, {"B", []*int{&s.before}}, {"A", []*int{&s.after}}, {"m", []*int{&s.most}}} {
		text, ok := c.value(f.key)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return misused("no number: %q", text)
		}
		for _, to := range f.to {
			*to = n
		}
	}
	deep := c.has("r") || c.has("R")
	if deep && len(c.args) == 0 {
		c.args = []string{"."}
	}
	s.names = !c.has("h") && (c.has("H") || deep || len(c.args) > 1)
	if len(c.args) == 0 {
		err = c.inputs(nil, s.file)
	}
	for _, name := range c.args {
		if err = s.tree(name, deep); err != nil {
			break
		}
	}
	switch {
	case err != nil && !errors.Is(err, errFound):
		return err
	case s.found && (c.status == 0 || c.has("q")):
		return exitCode(0)
	case c.status != 0:
		return exitCode(codeUsage)
	}
	return exitCode(1)
}

var errFound = errors.New("found")

// pattern puts patterns together. A basic one is rewritten: its \( \| \) \{ \} \+ \? are the extended ( | ) { } + ?, and the other way round.
func (c *Call) pattern(patterns []string) (*regexp.Regexp, error) {
	var all []string
	for _, p := range patterns {
		for p := range strings.SplitSeq(p, "\n") {
			switch {
			case c.has("F"):
				p = regexp.QuoteMeta(p)
			case !c.has("E"):
				p = extended(p)
			}
			all = append(all, "(?:"+p+")")
		}
	}
	text := strings.Join(all, "|")
	switch {
	case c.has("x"):
		text = "^(?:" + text + ")$"
	case c.has("w"):
		text = `\b(?:` + text + `)\b`
	}
	if c.has("i") {
		text = "(?i)" + text
	}
	return regexp.Compile(text)
}

// extended rewrites a basic regular expression.
func extended(p string) string {
	const swapped = "(){}|+?"
	var b strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		ch := p[i]
		switch {
		case class:
			b.WriteByte(ch)
			class = ch != ']' || p[i-1] == '[' || strings.HasSuffix(p[:i], "[^")
		case ch == '[':
			b.WriteByte(ch)
			class = true
		case ch == '\\' && i+1 < len(p):
			i++
			if strings.IndexByte(swapped, p[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p[i])
		case strings.IndexByte(swapped, ch) >= 0, ch == '*' && (i == 0 || strings.HasSuffix(p[:i], `\(`)):
			b.WriteByte('\\')
			b.WriteByte(ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

// tree searches a file, or a directory with all that is in it.
func (s *search) tree(name string, deep bool) error {
	if name != "-" {
		st, err := os.Stat(s.path(name))
		switch {
		case err != nil:
			s.failed(named(name, err))
			return nil
		case st.IsDir() && !deep:
			s.failed(&os.PathError{Op: "read", Path: name, Err: errors.New("is a directory (-r searches it)")})
			return nil
		case st.IsDir():
			entries, err := os.ReadDir(s.path(name))
			if err != nil {
				s.failed(named(name, err))
			}
			for _, e := range entries {
				if t := e.Type(); !t.IsDir() && !t.IsRegular() {
					continue
				}
				if err := s.tree(strings.TrimSuffix(name, "/")+"/"+e.Name(), true); err != nil {
					return err
				}
			}
			return nil
		}
	}
	err := s.input(name, s.file)
	if errors.As(err, new(*os.PathError)) && s.ctx.Err() == nil {
		s.failed(named(name, err))
		return nil
	}
	return err
}

func (s *search) failed(err error) {
	if s.has("s") {
		s.status = codeUsage
		return
	}
	s.complain(err)
}

// file searches one file.
func (s *search) file(name string, r io.Reader) error {
	in := bufio.NewReader(r)
	var held []string // lines before
	n, hits, follow, last := 0, 0, 0, 0
	for s.most < 0 || hits < s.most || follow > 0 {
		line, err := in.ReadString('\n')
		if line == "" {
			if notEOF(err) != nil {
				return err
			}
			break
		}
		n++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case s.pattern.MatchString(line) != s.has("v") && (s.most < 0 || hits < s.most):
			hits++
			s.found = true
			switch {
			case s.has("q"):
				return errFound
			case s.has("l"):
				fmt.Fprintln(s.stdout, name)
				return nil
			case s.has("c") || s.has("L"):
				continue
			case !printable(line):
				fmt.Fprintf(s.stdout, "%s: binary file matches\n", name)
				return nil
			}
			if (s.before > 0 || s.after > 0) && last > 0 && n-len(held) > last+1 {
				fmt.Fprintln(s.stdout, "--")
			}
			for i, h := range held {
				s.show(name, n-len(held)+i, '-', h)
			}
			held = held[:0]
			s.match(name, n, line)
			follow, last = s.after, n
		case follow > 0:
			s.show(name, n, '-', line)
			follow, last = follow-1, n
		case s.before > 0:
			if held = append(held, line); len(held) > s.before {
				held = held[1:]
			}
		}
	}
	switch {
	case s.has("c"):
		s.show(name, 0, ':', strconv.Itoa(hits))
	case s.has("L") && hits == 0:
		fmt.Fprintln(s.stdout, name)
	}
	return nil
}

// match shows a line that fits.
func (s *search) match(name string, n int, line string) {
	if !s.has("o") {
		s.show(name, n, ':', line)
		return
	}
	if s.has("v") {
		return
	}
	for _, m := range s.pattern.FindAllString(line, -1) {
		if m != "" {
			s.show(name, n, ':', m)
		}
	}
}

func (s *search) show(name string, n int, mark byte, line string) {
	if s.names {
		fmt.Fprintf(s.stdout, "%s%c", name, mark)
	}
	if s.has("n") && n > 0 {
		fmt.Fprintf(s.stdout, "%d%c", n, mark)
	}
	fmt.Fprintln(s.stdout, line)
}
