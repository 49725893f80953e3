package toolbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"wasmgo/pkg/toolbox/system"
)

const shellUsage = "usage: sh [-eux] [-i] [-l] [-s] [-c COMMAND [NAME [ARGUMENT...]] | FILE [ARGUMENT...]]\n"

// shellOptions are the arguments of sh.
type shellOptions struct {
	command             string
	hasCommand          bool
	interactive, script bool     // -i, -s
	set                 []string // options for set: "-e"
	rest                []string
}

// parseShell reads the arguments behind sh.
func parseShell(args []string) (o shellOptions, err error) {
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		for _, r := range arg[1:] {
			switch r {
			case 'c':
				o.hasCommand = true
			case 'i':
				o.interactive = true
			case 's':
				o.script = true
			case 'l':
			case 'e', 'u', 'x', 'f', 'n', 'a':
				o.set = append(o.set, string(arg[0])+string(r))
			case 'o':
				if len(args) == 0 {
					return o, errors.New("-o wants the name of an option")
				}
				o.set = append(o.set, string(arg[0])+"o", args[0])
				args = args[1:]
			default:
				return o, fmt.Errorf("no such option: %c%c", arg[0], r)
			}
		}
	}
	if o.hasCommand {
		if len(args) == 0 {
			return o, errors.New("-c wants a command")
		}
		o.command, args = args[0], args[1:]
	}
	o.rest = args
	return o, nil
}

// shell runs sh as a process and returns its exit code.
func shell(std streams, dir string, env, args []string) int {
	o, err := parseShell(args[min(1, len(args)):])
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %v\n%s", err, shellUsage)
		return codeUsage
	}
	if !o.hasCommand && (len(o.rest) == 0 || o.script) && (o.interactive || terminal(std.stdin) && terminal(std.stderr)) {
		return interactive(std, dir, env, o)
	}
	return runShell(context.Background(), std, dir, env, o)
}

// runShell runs a shell that does not ask.
func runShell(ctx context.Context, std streams, dir string, env []string, o shellOptions) int {
	var input io.Reader
	name := "sh"
	switch {
	case o.hasCommand:
		input = strings.NewReader(o.command)
		if len(o.rest) > 0 {
			name, o.rest = o.rest[0], o.rest[1:]
		}
	case len(o.rest) > 0 && !o.script:
		name, o.rest = o.rest[0], o.rest[1:]
		file, err := os.Open((&Call{dir: dir}).path(name))
		if err != nil {
			fmt.Fprintf(std.stderr, "sh: %s\n", explain(named(name, err)))
			return codeNotFound
		}
		defer file.Close()
		input = file
	default:
		input = bytewise{std.stdin}
	}
	r, err := newRunner(std, dir, env, o, false)
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %v\n", err)
		return codeUsage
	}
	if o.hasCommand || name != "sh" {
		return whole(ctx, r, std.stderr, input, name)
	}
	return script(ctx, r, std.stderr, input, name)
}

// newRunner makes what runs scripts.
func newRunner(std streams, dir string, env []string, o shellOptions, prompts bool) (*interp.Runner, error) {
	params := append(append([]string{}, o.set...), "--")
	r, err := interp.New(
		interp.StdIO(std.stdin, std.stdout, std.stderr),
		interp.Env(newEnviron(env)), interp.Dir(dir),
		interp.Params(append(params, o.rest...)...),
		interp.Interactive(prompts),
		interp.CallHandler(call), interp.ExecHandlers(execute),
		interp.StatHandler(statFile), interp.AccessHandler(access),
	)
	if err != nil {
		return nil, err
	}
	r.Reset()
	return r, nil
}

// whole runs a script that is there as a whole.
func whole(ctx context.Context, r *interp.Runner, stderr io.Writer, input io.Reader, name string) int {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(input, name)
	if err != nil {
		fmt.Fprintf(stderr, "sh: %v\n", err)
		return codeUsage
	}
	code, _ := endedBy(ctx, r.Run(ctx, file), stderr)
	return code
}

// script runs a script, a command at a time as it is read.
func script(ctx context.Context, r *interp.Runner, stderr io.Writer, input io.Reader, name string) int {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	var status error
	for stmt, err := range parser.StmtsSeq(input) {
		if err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", name, err)
			return codeUsage
		}
		status = r.Run(ctx, stmt)
		if code, ended := endedBy(ctx, status, stderr); ended || r.Exited() {
			return code
		}
	}
	// What `trap … EXIT` asks for is run with the last command.
	if err := r.Run(ctx, &syntax.File{Name: name}); err != nil && status == nil {
		status = err
	}
	code, _ := endedBy(ctx, status, stderr)
	return code
}

// endedBy is the exit code of a command. It reports whether the shell cannot go on.
func endedBy(ctx context.Context, err error, stderr io.Writer) (code int, ended bool) {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0, false
	case errors.As(err, &status):
		return int(status), false
	case ctx.Err() != nil:
		return codeInterrupted, true
	}
	fmt.Fprintf(stderr, "sh: %v\n", err)
	return codeFailed, true
}

// bytewise reads a line's end and no further: the rest is for the commands of the script.
type bytewise struct{ io.Reader }

func (b bytewise) Read(p []byte) (int, error) {
	if b.Reader == nil {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		m, err := b.Reader.Read(p[n : n+1])
		n += m
		if err != nil || m == 1 && p[n-1] == '\n' {
			return n, err
		}
	}
	return n, nil
}

// terminal reports whether s is one.
func terminal(s any) bool {
	f, ok := s.(*os.File)
	if !ok {
		return false
	}
	_, _, err := system.Terminal(f)
	return err == nil
}

// banner tells who comes into a container by `docker exec -it` where they are.
const banner = "wasmgo's toolbox: the image has no shell of its own. `help` lists what there is.\n"

// interactive is a shell at a terminal: a prompt, and Ctrl-C ends what runs and not the shell.
func interactive(std streams, dir string, env []string, o shellOptions) int {
	guard, err := newGuard(std.stdin)
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %v\n", err)
		return codeFailed
	}
	defer guard.Close()
	r, err := newRunner(std, dir, env, o, true)
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %v\n", err)
		return codeUsage
	}
	fmt.Fprint(std.stderr, banner)
	s := &session{runner: r, guard: guard, stderr: std.stderr, lines: lineReader(std.stdin)}
	if uid, _, _, err := system.Identity(); err == nil {
		s.root = uid == 0
	}
	for !s.done {
		s.prompt()
	}
	if s.hungUp {
		fmt.Fprintln(std.stderr) // the line with the prompt is over
	}
	return s.code
}

// lineReader reads no more than a line at a time. A terminal gives no more by itself, and a line that is half read when Ctrl-C comes would lose its
// other half.
func lineReader(stdin io.Reader) io.Reader {
	if terminal(stdin) {
		return stdin
	}
	return bytewise{stdin}
}

// session is what goes on at a terminal.
type session struct {
	runner *interp.Runner
	guard  *guard
	stderr io.Writer
	lines  io.Reader
	code   int
	done   bool
	root   bool
	hungUp bool // standard input has ended
}

// prompt asks for commands until one is wrong, the prompt was interrupted, or it is over.
func (s *session) prompt() {
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash))
	s.ask(false)
	for stmts, err := range parser.InteractiveSeq(s) {
		switch {
		case errors.Is(err, errInterrupted):
			s.code = codeInterrupted
			fmt.Fprintln(s.stderr)
			return
		case err != nil:
			fmt.Fprintf(s.stderr, "sh: %v\n", err)
			s.code = codeUsage
			return
		case parser.Incomplete():
			s.ask(true)
			continue
		}
		for _, stmt := range stmts {
			if !s.run(stmt) {
				break
			}
		}
		if s.done {
			return
		}
		s.ask(false)
	}
	s.done = true
}

// run runs one command, which Ctrl-C ends. It reports whether what follows in the line is to be run, too.
func (s *session) run(stmt *syntax.Stmt) bool {
	ctx, release := s.guard.watch()
	err := s.runner.Run(ctx, stmt)
	interrupted := ctx.Err() != nil
	release()
	if interrupted {
		fmt.Fprintln(s.stderr)
		s.code = codeInterrupted
		// For $?.
		_ = s.runner.Run(context.Background(), interruption)
		return false
	}
	code, _ := endedBy(ctx, err, s.stderr)
	s.code = code
	s.done = s.runner.Exited()
	return !s.done
}

// ask shows the prompt.
func (s *session) ask(more bool) {
	prompt := "$ "
	if s.root {
		prompt = "# "
	}
	if more {
		prompt = "> "
	} else if s.runner.Dir != "" {
		prompt = s.runner.Dir + " " + prompt
	}
	fmt.Fprint(s.stderr, prompt)
}

// Read gives the parser a line of what is typed.
func (s *session) Read(b []byte) (int, error) {
	for {
		n, err := s.lines.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && s.guard.take():
			return 0, errInterrupted
		case errors.Is(err, io.EOF):
			s.hungUp = true
		case n == 0 && err == nil:
			continue
		}
		return n, err
	}
}

var errInterrupted = errors.New("interrupted")

// interruption is what $? remembers of a command that Ctrl-C has ended.
var interruption = &syntax.Stmt{Cmd: &syntax.Subshell{Stmts: []*syntax.Stmt{{Cmd: &syntax.CallExpr{Args: []*syntax.Word{
	{Parts: []syntax.WordPart{&syntax.Lit{Value: "exit"}}},
	{Parts: []syntax.WordPart{&syntax.Lit{Value: "130"}}},
}}}}}}
