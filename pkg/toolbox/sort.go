package toolbox

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// lines reads all lines of the files named.
func (c *Call) lines(names []string, f func(line string) error) error {
	return c.inputs(names, func(_ string, r io.Reader) error {
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadString('\n')
			if line != "" {
				if err := f(strings.TrimSuffix(line, "\n")); err != nil {
					return err
				}
			}
			if err != nil {
				return notEOF(err)
			}
		}
	})
}

func sortLines(c *Call) error {
	var all []string
	if err := c.lines(c.args, func(line string) error { all = append(all, line); return nil }); err != nil {
		return err
	}
	key, err := c.sortKey()
	if err != nil {
		return err
	}
	compare := func(a, b string) int {
		a, b = key(a), key(b)
		order := 0
		switch {
		case c.has("n"):
			x, y := number(a), number(b)
			switch {
			case x < y:
				order = -1
			case x > y:
				order = 1
			}
		case c.has("f"):
			order = strings.Compare(strings.ToLower(a), strings.ToLower(b))
		default:
			order = strings.Compare(a, b)
		}
		if c.has("r") {
			return -order
		}
		return order
	}
	slices.SortStableFunc(all, compare)
	if c.has("u") {
		all = slices.CompactFunc(all, func(a, b string) bool { return compare(a, b) == 0 })
	}
	for _, line := range all {
		fmt.Fprintln(c.stdout, line)
	}
	return nil
}

// sortKey is what lines are compared by.
func (c *Call) sortKey() (func(string) string, error) {
	spec, ok := c.value("k")
	if !ok {
		return func(s string) string { return s }, nil
	}
	from, to, upTo := strings.Cut(spec, ",")
	first, err := strconv.Atoi(strings.TrimRight(from, "nr"))
	last := 0
	if upTo && err == nil {
		last, err = strconv.Atoi(strings.TrimRight(to, "nr"))
	}
	if err != nil || first < 1 || last < 0 {
		return nil, misused("no field: %q", spec)
	}
	separator, ok := c.value("t")
	return func(s string) string {
		fields := strings.Fields(s)
		if ok {
			fields = strings.Split(s, separator)
		}
		if first > len(fields) {
			return ""
		}
		end := len(fields)
		if last > 0 {
			end = max(first, min(end, last))
		}
		return strings.Join(fields[first-1:end], " ")
	}, nil
}

// number is what s begins with, or 0.
func number(s string) float64 {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) && r != '.' && r != '-' })
	if end >= 0 {
		s = s[:end]
	}
	f, _ := strconv.ParseFloat(s, 64) // what is no number counts as 0
	return f
}

func uniq(c *Call) error {
	last, n := "", 0
	show := func() {
		switch {
		case n == 0 || c.has("d") && n < 2 || c.has("u") && n > 1:
		case c.has("c"):
			fmt.Fprintf(c.stdout, "%7d %s\n", n, last)
		default:
			fmt.Fprintln(c.stdout, last)
		}
	}
	err := c.lines(c.args, func(line string) error {
		if n > 0 && line == last {
			n++
			return nil
		}
		show()
		last, n = line, 1
		return nil
	})
	show()
	return err
}
