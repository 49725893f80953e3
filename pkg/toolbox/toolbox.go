package toolbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"wasmgo/pkg/toolbox/system"
)

// Exit codes, as a POSIX shell has them.
const (
	codeFailed      = 1
	codeUsage       = 2
	codeNotRunnable = 126
	codeNotFound    = 127
	codeInterrupted = 130
)

// An Applet is one of the tools.
type Applet struct {
	Name     string
	Synopsis string // of what follows the flags: "FILE..."
	Summary  string // one line, for help and the manual
	Flags    []Flag
	run      func(c *Call) error
	// raw: the arguments are not looked through for flags.
	raw bool
	// rewrite changes the arguments before; may be nil.
	rewrite func(args []string) []string
}

// Applets lists all there are beside sh, by name.
func Applets() []Applet {
	all := slices.Concat(fileApplets(), listApplets(), textApplets(), processApplets(), networkApplets(), archiveApplets(), shellApplets())
	slices.SortFunc(all, func(a, b Applet) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// find returns the applet of that name.
func find(name string) (Applet, bool) {
	all := Applets()
	i := slices.IndexFunc(all, func(a Applet) bool { return a.Name == name })
	if i < 0 {
		return Applet{}, false
	}
	return all[i], true
}

// A Call is one run of an applet.
type Call struct {
	ctx    context.Context
	applet Applet
	args   []string // without the flags
	dir    string   // where relative paths start; absolute
	env    []string // NAME=value
	stdin  io.Reader
	in     io.Reader // stdin, without a look at what was written
	out    io.Writer // stdout, without what is held back
	stdout *bufio.Writer
	stderr io.Writer
	flags  parsed
	status int
	// columnsOf is the width of the terminal that standard output is, or 0.
	columnsOf int
}

// streams are those of a process.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// Main runs the toolbox as a process with these arguments, the first of them the name it was called by. It returns the exit code.
func Main(args []string) int {
	name := "sh"
	if len(args) > 0 && args[0] != "" {
		name = path.Base(args[0])
	}
	std := streams{os.Stdin, os.Stdout, os.Stderr}
	dir, err := os.Getwd()
	if _, statErr := os.Stat(dir); err != nil || statErr != nil {
		dir = "/" // the user may not go there
	}
	if name == "sh" {
		return shell(std, dir, os.Environ(), args)
	}
	return run(context.Background(), std, dir, os.Environ(), append([]string{name}, args[1:]...))
}

// run runs the applet args[0] and returns its exit code.
func run(ctx context.Context, std streams, dir string, env, args []string) int {
	a, ok := find(args[0])
	if !ok {
		fmt.Fprintf(std.stderr, "sh: %s: not found\n", args[0])
		return codeNotFound
	}
	direct := watched{ctx, std.stdout}
	out := bufio.NewWriterSize(direct, 32<<10)
	c := &Call{
		ctx: ctx, applet: a, args: args[1:], dir: dir, env: env,
		columnsOf: columnsOf(std.stdout),
		in:        std.stdin,
		out:       direct,
		stdin:     attentive{ctx, std.stdin, out}, stdout: out, stderr: std.stderr,
	}
	err := c.parse()
	if err == nil {
		err = a.run(c)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return c.outcome(err)
}

// outcome turns what an applet has returned into an exit code, and tells what went wrong.
func (c *Call) outcome(err error) int {
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return c.status
	case errors.As(err, &code):
		return int(code)
	case c.ctx.Err() != nil:
		return codeInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(c.stderr, "%s: %s\nusage: %s\n", c.applet.Name, usage.text, c.applet.usage())
		return codeUsage
	case errors.Is(err, io.ErrClosedPipe) || errors.Is(err, syscall.EPIPE):
		return codeFailed // whoever reads wants no more
	}
	c.complain(err)
	return max(c.status, codeFailed)
}

// exitCode ends an applet that has said what there is to say.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a call that makes no sense.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func misused(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// complain tells of what went wrong with one of several things; the applet goes on and fails in the end.
func (c *Call) complain(err error) {
	fmt.Fprintf(c.stderr, "%s: %s\n", c.applet.Name, explain(err))
	c.status = codeFailed
}

// explain is an error in the words of a tool: "file: no such file or directory".
func explain(err error) string {
	var p *os.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Path + ": " + p.Err.Error()
	case errors.As(err, &l):
		return l.Old + ": " + l.New + ": " + l.Err.Error()
	}
	return err.Error()
}

// path is name as the system finds it.
func (c *Call) path(name string) string {
	if strings.HasPrefix(name, "/") || name == "" {
		return name
	}
	return strings.TrimSuffix(c.dir, "/") + "/" + name
}

// named gives an error about a path the name that the user knows it by.
func named(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return &os.PathError{Op: p.Op, Path: name, Err: p.Err}
	}
	return err
}

// lookup is a variable.
func (c *Call) lookup(name string) string {
	for _, v := range slices.Backward(c.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// watched is a writer that ends with a context.
type watched struct {
	ctx context.Context
	io.Writer
}

func (w watched) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}

// attentive is a reader that ends with a context. What was written is shown before it waits for more.
type attentive struct {
	ctx context.Context
	r   io.Reader
	out *bufio.Writer
}

func (a attentive) Read(b []byte) (int, error) {
	if err := a.out.Flush(); err != nil {
		return 0, err
	}
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	if a.r == nil {
		return 0, io.EOF
	}
	return a.r.Read(b)
}

// inputs runs f with each of the files named, or with standard input for "-" and where none is named. What cannot be opened or read is
// told, and the others follow.
func (c *Call) inputs(names []string, f func(name string, r io.Reader) error) error {
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		if err := c.input(name, f); err != nil {
			if c.ctx.Err() != nil || !errors.As(err, new(*os.PathError)) {
				return err
			}
			c.complain(named(name, err))
		}
	}
	return nil
}

func (c *Call) input(name string, f func(name string, r io.Reader) error) (err error) {
	if name == "-" {
		return f("(standard input)", c.stdin)
	}
	file, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return f(name, attentive{c.ctx, file, c.stdout})
}

// columnsOf is the width of the terminal that w is, or 0.
func columnsOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := system.Terminal(f)
	if err != nil {
		return 0
	}
	return columns
}
