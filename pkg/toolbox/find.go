package toolbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/toolbox/system"
)

// found is a file that find looks at.
type found struct {
	name  string // as it is shown
	depth int
	st    abi.Stat
	prune bool // nothing below it
}

// test is one word of an expression, or several.
type test func(f *found) (bool, error)

// finder is a find that goes on.
type finder struct {
	*Call
	args             []string // that are left to parse
	expression       test
	acts             bool // something shows or does
	minDepth, depth  int
	deleting, follow bool
}

func findFiles(c *Call) error {
	f := &finder{Call: c, args: c.args, depth: -1}
	var roots []string
	for len(f.args) > 0 && !strings.HasPrefix(f.args[0], "-") && f.args[0] != "!" && f.args[0] != "(" {
		roots = append(roots, f.args[0])
		f.args = f.args[1:]
	}
	if len(f.args) > 0 && f.args[0] == "--help" {
		fmt.Fprint(c.stdout, c.applet.help())
		return nil
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	f.expression = func(*found) (bool, error) { return true, nil }
	if len(f.args) > 0 {
		e, err := f.or()
		if err != nil {
			return err
		}
		if len(f.args) > 0 {
			return misused("%q is out of place", f.args[0])
		}
		f.expression = e
	}
	if !f.acts {
		e := f.expression
		f.expression = func(x *found) (bool, error) {
			ok, err := e(x)
			if ok && err == nil {
				fmt.Fprintln(c.stdout, x.name)
			}
			return ok, err
		}
	}
	for _, root := range roots {
		if err := f.walk(root, 0); err != nil {
			return err
		}
	}
	return nil
}

// walk looks at name and what is below it.
func (f *finder) walk(name string, depth int) error {
	if err := f.ctx.Err(); err != nil {
		return err
	}
	get := system.Lstat
	if f.follow {
		get = system.Stat
	}
	st, err := get(f.path(name))
	if err != nil {
		f.complain(named(name, err))
		return nil
	}
	x := &found{name: name, depth: depth, st: st}
	look := func() error {
		if depth < f.minDepth {
			return nil
		}
		_, err := f.expression(x)
		return err
	}
	if !f.deleting {
		if err := look(); err != nil {
			return err
		}
	}
	if st.Mode&sIFMT == sIFDIR && !x.prune && (f.depth < 0 || depth < f.depth) {
		entries, err := os.ReadDir(f.path(name))
		if err != nil {
			f.complain(named(name, err))
		}
		for _, e := range entries {
			below := strings.TrimSuffix(name, "/") + "/" + e.Name()
			if err := f.walk(below, depth+1); err != nil {
				return err
			}
		}
	}
	if f.deleting {
		return look()
	}
	return nil
}

func (f *finder) or() (test, error) {
	left, err := f.and()
	for err == nil && len(f.args) > 0 && (f.args[0] == "-o" || f.args[0] == "-or") {
		f.args = f.args[1:]
		a := left
		var b test
		if b, err = f.and(); err == nil {
			left = func(x *found) (bool, error) {
				if ok, err := a(x); ok || err != nil {
					return ok, err
				}
				return b(x)
			}
		}
	}
	return left, err
}

func (f *finder) and() (test, error) {
	left, err := f.not()
	for err == nil && len(f.args) > 0 && f.args[0] != "-o" && f.args[0] != "-or" && f.args[0] != ")" {
		if f.args[0] == "-a" || f.args[0] == "-and" {
			f.args = f.args[1:]
		}
		a := left
		var b test
		if b, err = f.not(); err == nil {
			left = func(x *found) (bool, error) {
				if ok, err := a(x); !ok || err != nil {
					return ok, err
				}
				return b(x)
			}
		}
	}
	return left, err
}

func (f *finder) not() (test, error) {
	word, err := f.next("an expression")
	if err != nil {
		return nil, err
	}
	switch word {
	case "!", "-not":
		t, err := f.not()
		if err != nil {
			return nil, err
		}
		return func(x *found) (bool, error) {
			ok, err := t(x)
			return !ok, err
		}, nil
	case "(":
		t, err := f.or()
		if err != nil {
			return nil, err
		}
		if end, err := f.next(")"); err != nil || end != ")" {
			return nil, misused("a ) is missing")
		}
		return t, nil
	}
	return f.primary(word)
}

func (f *finder) next(what string) (string, error) {
	if len(f.args) == 0 {
		return "", misused("%s is missing", what)
	}
	word := f.args[0]
	f.args = f.args[1:]
	return word, nil
}

// plain is a test that cannot fail.
func plain(f func(x *found) bool) (test, error) {
	return func(x *found) (bool, error) { return f(x), nil }, nil
}

// primary reads one test or action.
func (f *finder) primary(word string) (test, error) {
	switch word {
	case "-print":
		f.acts = true
		return plain(func(x *found) bool { fmt.Fprintln(f.stdout, x.name); return true })
	case "-print0":
		f.acts = true
		return plain(func(x *found) bool { fmt.Fprint(f.stdout, x.name, "\x00"); return true })
	case "-delete":
		f.acts, f.deleting = true, true
		return plain(func(x *found) bool {
			err := os.Remove(f.path(x.name))
			if err != nil {
				f.complain(named(x.name, err))
			}
			return err == nil
		})
	case "-prune":
		return plain(func(x *found) bool { x.prune = true; return true })
	case "-empty":
		return plain(f.empty)
	case "-true":
		return plain(func(*found) bool { return true })
	case "-false":
		return plain(func(*found) bool { return false })
	case "-exec":
		return f.exec()
	}
	if !slices.Contains([]string{"-name", "-iname", "-path", "-type", "-size", "-mtime", "-mmin", "-newer", "-maxdepth", "-mindepth", "-perm", "-user", "-group"}, word) {
		return nil, misused("no such expression: %s", word)
	}
	value, err := f.next("the value of " + word)
	if err != nil {
		return nil, err
	}
	switch word {
	case "-name", "-iname", "-path":
		return matches(word, value)
	case "-type":
		kind, ok := map[string]uint64{"f": sIFREG, "d": sIFDIR, "l": sIFLNK, "p": sIFIFO, "s": sIFSOCK, "c": sIFCHR, "b": sIFBLK}[value]
		if !ok {
			return nil, misused("no such type: %s", value)
		}
		return plain(func(x *found) bool { return x.st.Mode&sIFMT == kind })
	case "-newer":
		st, err := system.Stat(f.path(value))
		if err != nil {
			return nil, named(value, err)
		}
		return plain(func(x *found) bool { return int64(x.st.Modified) > int64(st.Modified) })
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return nil, misused("no number: %q", value)
		}
		if word == "-maxdepth" {
			f.depth = n
		} else {
			f.minDepth = n
		}
		return plain(func(*found) bool { return true })
	}
	return compared(word, value)
}

// matches compares names with a pattern of the shell's.
func matches(word, pattern string) (test, error) {
	if word == "-iname" {
		pattern = strings.ToLower(pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, misused("no pattern: %q", pattern)
	}
	return plain(func(x *found) bool {
		name := path.Base(x.name)
		switch word {
		case "-iname":
			name = strings.ToLower(name)
		case "-path":
			// Here * is also of slashes.
			name = strings.ReplaceAll(x.name, "/", "\x01")
			ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), name)
			return ok && err == nil
		}
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// compared compares numbers: N, +N for more, -N for less.
func compared(word, value string) (test, error) {
	sign := byte(0)
	digits := value
	if value != "" && (value[0] == '+' || value[0] == '-') {
		sign, digits = value[0], value[1:]
	}
	unit := int64(512)
	if word == "-size" && digits != "" {
		if u, ok := map[byte]int64{'c': 1, 'w': 2, 'b': 512, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}[digits[len(digits)-1]]; ok {
			unit, digits = u, digits[:len(digits)-1]
		}
	}
	base := 10
	if word == "-perm" {
		base = 8
	}
	want, err := strconv.ParseInt(digits, base, 64)
	if err != nil || want < 0 {
		return nil, misused("no number: %q", value)
	}
	return plain(func(x *found) bool {
		var have int64
		switch word {
		case "-size":
			have = (int64(x.st.Size) + unit - 1) / unit
		case "-mtime":
			have = int64(time.Since(time.Unix(0, int64(x.st.Modified))) / (24 * time.Hour))
		case "-mmin":
			have = int64(time.Since(time.Unix(0, int64(x.st.Modified))) / time.Minute)
		case "-user":
			have = int64(x.st.UID)
		case "-group":
			have = int64(x.st.GID)
		case "-perm":
			have = int64(x.st.Mode & 0o7777)
			if sign == '-' {
				return have&want == want
			}
		}
		switch sign {
		case '+':
			return have > want
		case '-':
			return have < want
		}
		return have == want
	})
}

func (f *finder) empty(x *found) bool {
	switch x.st.Mode & sIFMT {
	case sIFREG:
		return x.st.Size == 0
	case sIFDIR:
		entries, err := os.ReadDir(f.path(x.name))
		return err == nil && len(entries) == 0
	}
	return false
}

// exec reads "-exec COMMAND {} ;", for each file; "+" in place of ";" is the same here.
func (f *finder) exec() (test, error) {
	f.acts = true
	end := slices.IndexFunc(f.args, func(a string) bool { return a == ";" || a == "+" })
	if end < 1 {
		return nil, misused("-exec wants a command and a ; behind it")
	}
	command := f.args[:end]
	f.args = f.args[end+1:]
	return func(x *found) (bool, error) {
		args := slices.Clone(command)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "{}", x.name)
		}
		err := f.command(f.ctx, strings.NewReader(""), f.env, args)
		var code exitCode
		if errors.As(err, &code) {
			return false, f.ctx.Err()
		}
		return err == nil, err
	}, nil
}
