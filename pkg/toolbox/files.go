package toolbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// fileApplets make, move and remove files.
func fileApplets() []Applet {
	recursive := Flag{Short: 'r', Long: "recursive", Help: "directories with all that is in them"}
	upper := Flag{Short: 'R', Help: "as -r"}
	force := Flag{Short: 'f', Long: "force", Help: "say nothing of what is not there, and do not ask"}
	ask := Flag{Short: 'i', Long: "interactive", Help: "ask before each"}
	verbose := Flag{Short: 'v', Long: "verbose", Help: "say what is done"}
	noClobber := Flag{Short: 'n', Long: "no-clobber", Help: "leave what is there"}
	return []Applet{
		{Name: "cat", Synopsis: "[FILE...]", Summary: "show files, or standard input", run: cat, Flags: []Flag{
			{Short: 'n', Long: "number", Help: "number the lines"}, {Short: 'u', Help: "nothing: output is not held back"},
		}},
		{Name: "cp", Synopsis: "SOURCE... TARGET", Summary: "copy files", run: cp, Flags: []Flag{
			recursive, upper,
			{Short: 'a', Long: "archive", Help: "as -rPp"},
			{Short: 'p', Help: "keep the times"},
			{Short: 'P', Long: "no-dereference", Help: "copy links as links"},
			noClobber, force, ask, verbose,
		}},
		{Name: "ln", Synopsis: "TARGET LINK", Summary: "make links", run: ln, Flags: []Flag{
			{Short: 's', Long: "symbolic", Help: "symbolic ones"}, {Short: 'f', Long: "force", Help: "replace what is there"},
		}},
		{Name: "mkdir", Synopsis: "DIRECTORY...", Summary: "make directories", run: mkdir, Flags: []Flag{
			{Short: 'p', Long: "parents", Help: "with those above, and no error if it is there"}, verbose,
		}},
		{Name: "mv", Synopsis: "SOURCE... TARGET", Summary: "rename or move files", run: mv, Flags: []Flag{noClobber, force, ask, verbose}},
		{Name: "readlink", Synopsis: "LINK...", Summary: "show what links say", run: readlink, Flags: []Flag{
			{Short: 'f', Long: "canonicalize", Help: "follow all links, and show the path at their end"},
		}},
		{Name: "rm", Synopsis: "FILE...", Summary: "remove files", run: rm, Flags: []Flag{recursive, upper, force, ask, verbose}},
		{Name: "rmdir", Synopsis: "DIRECTORY...", Summary: "remove empty directories", run: rmdir},
		{Name: "touch", Synopsis: "FILE...", Summary: "set the times of files to now; make those that are not there", run: touch, Flags: []Flag{
			{Short: 'c', Long: "no-create", Help: "make none"},
			{Short: 'a', Help: "the time of the last access only"},
			{Short: 'm', Help: "the time of the last change only"},
			{Short: 'd', Long: "date", Value: "TIME", Help: "that time, as 2006-01-02T15:04:05Z or @SECONDS"},
			{Short: 'r', Long: "reference", Value: "FILE", Help: "the times of that file"},
		}},
	}
}

func cat(c *Call) error {
	line, start := 0, true
	return c.inputs(c.args, func(name string, r io.Reader) error {
		if !c.has("n") {
			_, err := io.Copy(plainWriter{c.stdout}, r)
			return err
		}
		in := bufio.NewReader(r)
		for {
			text, err := in.ReadString('\n')
			if text != "" {
				if start {
					line++
					fmt.Fprintf(c.stdout, "%6d\t", line)
				}
				fmt.Fprint(c.stdout, text)
				start = strings.HasSuffix(text, "\n")
			}
			if err != nil {
				return notEOF(err)
			}
		}
	})
}

// plainWriter hides what a buffered writer could read by itself: it would read past what is to be shown before the next wait.
type plainWriter struct{ io.Writer }

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// targets calls f with each source and where it goes: the last argument, or a name in it if that is a directory.
func (c *Call) targets(f func(source, target string) error) error {
	if len(c.args) < 2 {
		return misused("wants a source and a target")
	}
	sources, target := c.args[:len(c.args)-1], c.args[len(c.args)-1]
	st, err := os.Stat(c.path(target))
	into := err == nil && st.IsDir()
	if !into && (len(sources) > 1 || strings.HasSuffix(target, "/") && err != nil && c.applet.Name == "mv") {
		return &os.PathError{Op: "stat", Path: target, Err: errors.New("not a directory")}
	}
	for _, source := range sources {
		to := target
		if into {
			to = path.Join(target, path.Base(source))
		}
		if err := c.one(source, to, f); err != nil {
			if c.ctx.Err() != nil {
				return err
			}
			c.complain(err)
		}
	}
	return nil
}

// one does f with a source and a target unless the user wants otherwise.
func (c *Call) one(source, to string, f func(source, target string) error) error {
	before, err := os.Lstat(c.path(to))
	if err == nil {
		if same, err := os.Lstat(c.path(source)); err == nil && path.Clean(c.path(source)) == path.Clean(c.path(to)) && same.IsDir() == before.IsDir() {
			return &os.PathError{Op: "stat", Path: source, Err: errors.New("is the same file as " + to)}
		}
		if c.has("n") || c.has("i") && !c.asks("overwrite "+to) {
			return nil
		}
	}
	if err := f(source, to); err != nil {
		return err
	}
	if c.has("v") {
		fmt.Fprintf(c.stdout, "'%s' -> '%s'\n", source, to)
	}
	return nil
}

// asks is the user's answer.
func (c *Call) asks(what string) bool {
	fmt.Fprintf(c.stderr, "%s: %s? ", c.applet.Name, what)
	answer, _ := bufio.NewReader(bytewise{c.stdin}).ReadString('\n')
	return strings.HasPrefix(strings.ToLower(answer), "y")
}

func cp(c *Call) error {
	deep := c.has("r") || c.has("R") || c.has("a")
	return c.targets(func(source, target string) error {
		if !deep {
			return c.copy(source, target, !c.has("P"), false)
		}
		from, to := path.Clean(c.path(source)), path.Clean(c.path(target))
		if strings.HasPrefix(to+"/", from+"/") {
			if st, err := os.Stat(from); err == nil && st.IsDir() {
				return &os.PathError{Op: "copy", Path: source, Err: errors.New("cannot be copied into itself, " + target)}
			}
		}
		return c.copy(source, target, !c.has("P") && !c.has("a"), true)
	})
}

// copy copies one file, and a directory with all that is in it if deep.
func (c *Call) copy(source, target string, follow, deep bool) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	get := os.Lstat
	if follow {
		get = os.Stat
	}
	st, err := get(c.path(source))
	if err != nil {
		return named(source, err)
	}
	switch {
	case st.IsDir() && !deep:
		return &os.PathError{Op: "copy", Path: source, Err: errors.New("is a directory (-r copies it)")}
	case st.IsDir():
		err = c.copyDirectory(source, target)
	case st.Mode()&fs.ModeSymlink != 0:
		err = c.copyLink(source, target)
	default:
		err = c.copyData(source, target)
	}
	if err == nil && (c.has("p") || c.has("a")) && st.Mode()&fs.ModeSymlink == 0 {
		err = named(target, os.Chtimes(c.path(target), time.Time{}, st.ModTime()))
	}
	return err
}

func (c *Call) copyDirectory(source, target string) error {
	entries, err := os.ReadDir(c.path(source))
	if err != nil {
		return named(source, err)
	}
	if err := os.Mkdir(c.path(target), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return named(target, err)
	}
	for _, e := range entries {
		if err := c.copy(path.Join(source, e.Name()), path.Join(target, e.Name()), false, true); err != nil {
			if c.ctx.Err() != nil {
				return err
			}
			c.complain(err)
		}
	}
	return nil
}

func (c *Call) copyLink(source, target string) error {
	to, err := os.Readlink(c.path(source))
	if err != nil {
		return named(source, err)
	}
	if err := os.Remove(c.path(target)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return named(target, err)
	}
	return os.Symlink(to, c.path(target))
}

func (c *Call) copyData(source, target string) (err error) {
	in, err := os.Open(c.path(source))
	if err != nil {
		return named(source, err)
	}
	defer in.Close()
	out, err := os.OpenFile(c.path(target), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return named(target, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffer := make([]byte, 128<<10)
	_, err = io.CopyBuffer(watched{c.ctx, plainWriter{out}}, plainReader{in}, buffer)
	return named(target, err)
}

type plainReader struct{ io.Reader }

func mv(c *Call) error {
	return c.targets(func(source, target string) error {
		err := os.Rename(c.path(source), c.path(target))
		if !isCrossDevice(err) {
			var l *os.LinkError
			if errors.As(err, &l) {
				return &os.PathError{Op: "rename", Path: source + " to " + target, Err: l.Err}
			}
			return err
		}
		// Volumes are file systems of their own.
		before := c.status
		if err := c.copy(source, target, false, true); err != nil {
			return err
		}
		if c.status != before {
			return &os.PathError{Op: "move", Path: source, Err: errors.New("not all of it could be copied, so nothing was removed")}
		}
		return named(source, os.RemoveAll(c.path(source)))
	})
}

func rm(c *Call) error {
	if len(c.args) == 0 && !c.has("f") {
		return misused("wants a file")
	}
	for _, name := range c.args {
		if err := c.remove(name); err != nil {
			if c.ctx.Err() != nil {
				return err
			}
			c.complain(err)
		}
	}
	return nil
}

func (c *Call) remove(name string) error {
	if base := path.Base(name); base == "." || base == ".." || path.Clean(c.path(name)) == "/" {
		return &os.PathError{Op: "remove", Path: name, Err: errors.New("is not removed")}
	}
	st, err := os.Lstat(c.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.has("f"):
		return nil
	case err != nil:
		return named(name, err)
	case st.IsDir() && !c.has("r") && !c.has("R"):
		return &os.PathError{Op: "remove", Path: name, Err: errors.New("is a directory (-r removes it)")}
	case c.has("i") && !c.has("f") && !c.asks("remove "+name):
		return nil
	case st.IsDir():
		err = c.removeTree(name)
	default:
		err = os.Remove(c.path(name))
	}
	if err == nil && c.has("v") {
		fmt.Fprintf(c.stdout, "removed '%s'\n", name)
	}
	return named(name, err)
}

// removeTree is os.RemoveAll that can be interrupted, and tells of each thing that it could not remove.
func (c *Call) removeTree(name string) error {
	entries, err := os.ReadDir(c.path(name))
	if err != nil {
		return named(name, err)
	}
	for _, e := range entries {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		below := path.Join(name, e.Name())
		if e.IsDir() {
			err = c.removeTree(below)
		} else {
			err = named(below, os.Remove(c.path(below)))
		}
		if err != nil {
			return err
		}
	}
	return named(name, os.Remove(c.path(name)))
}

func mkdir(c *Call) error {
	make := os.Mkdir
	if c.has("p") {
		make = os.MkdirAll
	}
	return c.each(func(name string) error {
		if err := make(c.path(name), 0o777); err != nil {
			return err
		}
		if c.has("v") {
			fmt.Fprintf(c.stdout, "created directory '%s'\n", name)
		}
		return nil
	})
}

// each does f with each argument; what goes wrong is told and the others follow.
func (c *Call) each(f func(name string) error) error {
	if len(c.args) == 0 {
		return misused("wants %s", strings.ToLower(strings.TrimSuffix(c.applet.Synopsis, "...")))
	}
	for _, name := range c.args {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := f(name); err != nil {
			c.complain(named(name, err))
		}
	}
	return nil
}

func rmdir(c *Call) error {
	return c.each(func(name string) error {
		st, err := os.Lstat(c.path(name))
		if err == nil && !st.IsDir() {
			err = &os.PathError{Op: "rmdir", Path: name, Err: errors.New("not a directory")}
		}
		if err != nil {
			return err
		}
		return os.Remove(c.path(name))
	})
}

func touch(c *Call) error {
	now := time.Now()
	accessed, modified := now, now
	if text, ok := c.value("d"); ok {
		t, err := parseTime(text)
		if err != nil {
			return misused("%v", err)
		}
		accessed, modified = t, t
	}
	if name, ok := c.value("r"); ok {
		st, err := os.Stat(c.path(name))
		if err != nil {
			return named(name, err)
		}
		accessed, modified = st.ModTime(), st.ModTime()
	}
	switch {
	case c.has("a") && !c.has("m"):
		modified = time.Time{}
	case c.has("m") && !c.has("a"):
		accessed = time.Time{}
	}
	return c.each(func(name string) error {
		_, err := os.Stat(c.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			if c.has("c") {
				return nil
			}
			f, err := os.OpenFile(c.path(name), os.O_WRONLY|os.O_CREATE, 0o666)
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
		return os.Chtimes(c.path(name), accessed, modified)
	})
}

func ln(c *Call) error {
	if len(c.args) != 2 {
		return misused("wants a target and a link")
	}
	target, link := c.args[0], c.args[1]
	if st, err := os.Stat(c.path(link)); err == nil && st.IsDir() {
		link = path.Join(link, path.Base(target))
	}
	if c.has("f") {
		if err := os.Remove(c.path(link)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return named(link, err)
		}
	}
	var err error
	if c.has("s") {
		err = os.Symlink(target, c.path(link))
	} else {
		err = os.Link(c.path(target), c.path(link))
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return &os.PathError{Op: "link", Path: link, Err: l.Err}
	}
	return err
}

func readlink(c *Call) error {
	return c.each(func(name string) error {
		to, err := os.Readlink(c.path(name))
		if c.has("f") {
			to, err = filepath.EvalSymlinks(c.path(name))
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, to)
		return nil
	})
}
