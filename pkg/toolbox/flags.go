package toolbox

import (
	"fmt"
	"strings"
)

// A Flag is an option of an applet.
type Flag struct {
	Short rune   // 0 for none
	Long  string // "" for none
	Value string // what its value is called; "" for a flag without one
	Help  string
}

// parsed are the flags of a call: values by the short name, or the long one where there is no short.
type parsed map[string][]string

func (f Flag) key() string {
	if f.Short != 0 {
		return string(f.Short)
	}
	return f.Long
}

// has reports whether a flag was given.
func (c *Call) has(key string) bool { return len(c.flags[key]) > 0 }

// value is a flag's, the last given.
func (c *Call) value(key string) (string, bool) {
	all := c.flags[key]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// parse takes the flags out of the arguments, wherever they stand, up to "--". Short ones can be run together, and a value follows its flag
// or is the next argument.
func (c *Call) parse() error {
	c.flags = parsed{}
	if c.applet.rewrite != nil {
		c.args = c.applet.rewrite(c.args)
	}
	if c.applet.raw {
		return nil
	}
	var rest []string
	for len(c.args) > 0 {
		arg := c.args[0]
		c.args = c.args[1:]
		var err error
		switch {
		case arg == "--":
			rest, c.args = append(rest, c.args...), nil
		case arg == "--help":
			fmt.Fprint(c.stdout, c.applet.help())
			return exitCode(0)
		case strings.HasPrefix(arg, "--"):
			err = c.long(arg[2:])
		case len(arg) > 1 && arg[0] == '-':
			err = c.short(arg[1:])
		default:
			rest = append(rest, arg)
		}
		if err != nil {
			return err
		}
	}
	c.args = rest
	return nil
}

func (c *Call) long(arg string) error {
	name, value, given := strings.Cut(arg, "=")
	for _, f := range c.applet.Flags {
		switch {
		case f.Long != name || name == "":
			continue
		case f.Value == "" && given:
			return misused("--%s takes no value", name)
		case f.Value != "" && !given:
			return c.set(f, "--"+name)
		}
		c.flags[f.key()] = append(c.flags[f.key()], value)
		return nil
	}
	return misused("no such option: --%s", name)
}

func (c *Call) short(arg string) error {
	for i, r := range arg {
		f, ok := c.flagOf(r)
		if !ok {
			return misused("no such option: -%c", r)
		}
		if f.Value == "" {
			c.flags[f.key()] = append(c.flags[f.key()], "")
			continue
		}
		if rest := arg[i+len(string(r)):]; rest != "" {
			c.flags[f.key()] = append(c.flags[f.key()], rest)
			return nil
		}
		return c.set(f, "-"+string(r))
	}
	return nil
}

// set gives f the next argument as its value.
func (c *Call) set(f Flag, shown string) error {
	if len(c.args) == 0 {
		return misused("%s wants %s", shown, f.Value)
	}
	c.flags[f.key()] = append(c.flags[f.key()], c.args[0])
	c.args = c.args[1:]
	return nil
}

func (c *Call) flagOf(r rune) (Flag, bool) {
	for _, f := range c.applet.Flags {
		if f.Short == r {
			return f, true
		}
	}
	return Flag{}, false
}

// usage is one line.
func (a Applet) usage() string {
	var b strings.Builder
	b.WriteString(a.Name)
	var plain string
	for _, f := range a.Flags {
		if f.Value == "" && f.Short != 0 {
			plain += string(f.Short)
		}
	}
	if plain != "" {
		b.WriteString(" [-" + plain + "]")
	}
	for _, f := range a.Flags {
		switch {
		case f.Value != "":
			b.WriteString(" [" + f.String() + "]")
		case f.Short == 0:
			b.WriteString(" [--" + f.Long + "]")
		}
	}
	if a.Synopsis != "" {
		b.WriteString(" " + a.Synopsis)
	}
	return b.String()
}

// String is a flag as one writes it.
func (f Flag) String() string {
	s := "--" + f.Long
	if f.Short != 0 {
		s = "-" + string(f.Short)
	}
	if f.Value != "" {
		s += " " + f.Value
	}
	return s
}

// help is a page.
func (a Applet) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n%s\n", a.usage(), a.Summary)
	for _, f := range a.Flags {
		name := f.String()
		if f.Short != 0 && f.Long != "" {
			name += ", --" + f.Long
		}
		fmt.Fprintf(&b, "  %-24s %s\n", name, f.Help)
	}
	return b.String()
}
