package toolbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"

	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/toolbox/system"
)

// ours are words that the shell would take for its own, and we have applets for.
var ours = []string{"help", "kill"}

// mark begins a word that the shell is not to take for its own.
const mark = "\x00"

// call replaces words before the shell looks whether they are its own.
func call(_ context.Context, args []string) ([]string, error) {
	if slices.Contains(ours, args[0]) {
		return append([]string{mark + args[0]}, args[1:]...), nil
	}
	return args, nil
}

// execute runs what is neither a function nor a word of the shell itself.
func execute(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		h := interp.HandlerCtx(ctx)
		std := streams{h.Stdin, h.Stdout, h.Stderr}
		code := start(ctx, std, h.Dir, exported(h.Env), args)
		if err := ctx.Err(); err != nil {
			return err
		}
		if code != 0 {
			return interp.ExitStatus(code)
		}
		return nil
	}
}

// start runs the command args as a process would be started: a file if there is one, else the applet of that name.
func start(ctx context.Context, std streams, dir string, env, args []string) int {
	if std.stdin == nil {
		std.stdin = strings.NewReader("")
	}
	name, own := strings.CutPrefix(args[0], mark)
	if !own {
		if file, found := lookPath(dir, env, name); found {
			return startFile(ctx, std, dir, env, args, file)
		}
	}
	switch {
	case strings.Contains(name, "/") && !standard(path.Dir(name)):
		fmt.Fprintf(std.stderr, "sh: %s: not found\n", name)
		return codeNotFound
	}
	switch base := path.Base(name); base {
	case "sh":
		return subshell(ctx, std, dir, env, args)
	case "help":
		fmt.Fprint(std.stdout, helpText())
		return 0
	default:
		return run(ctx, std, dir, env, append([]string{base}, args[1:]...))
	}
}

// standard reports whether programs are looked for in dir everywhere: /bin/ls is ls also where there is no /bin.
func standard(dir string) bool {
	return slices.Contains([]string{"/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}, dir)
}

// lookPath finds the regular file that a command names. Along PATH an applet's name needs no file, but one that is there wins, as it does for
// an exec into the container.
func lookPath(dir string, env []string, name string) (string, bool) {
	c := &Call{dir: dir, env: env}
	places := []string{name}
	if !strings.Contains(name, "/") {
		places = places[:0]
		for p := range strings.SplitSeq(c.lookup("PATH"), ":") {
			places = append(places, path.Join(p, name))
		}
	}
	for _, p := range places {
		p = c.path(p)
		if st, err := system.Stat(p); err == nil && st.Mode&sIFMT == sIFREG {
			return p, true
		}
	}
	return "", false
}

// startFile runs a script, and says of what is none why it cannot be started from here.
func startFile(ctx context.Context, std streams, dir string, env, args []string, file string) int {
	f, err := os.Open(file)
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %s\n", explain(named(args[0], err)))
		return codeNotRunnable
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		fmt.Fprintf(std.stderr, "sh: %s: %v\n", args[0], err)
		return codeNotRunnable
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("\x00asm")):
		fmt.Fprintf(std.stderr, "sh: %s: a WebAssembly module starts no other; run it by `docker exec` or `kubectl exec`\n", args[0])
		return codeNotRunnable
	case bytes.IndexByte(head, 0) >= 0:
		fmt.Fprintf(std.stderr, "sh: %s: not a script, and this shell runs nothing else from a file\n", args[0])
		return codeNotRunnable
	}
	return subshell(ctx, std, dir, env, append([]string{"sh", file}, args[1:]...))
}

// subshell is shell as a command of a shell: it ends with what the outer one runs.
func subshell(ctx context.Context, std streams, dir string, env, args []string) int {
	o, err := parseShell(args[1:])
	if err != nil {
		fmt.Fprintf(std.stderr, "sh: %v\n%s", err, shellUsage)
		return codeUsage
	}
	return runShell(ctx, std, dir, env, o)
}

// helpText lists what there is.
func helpText() string {
	var b strings.Builder
	b.WriteString("This shell and its tools are wasmgo's: the image has none. NAME --help says more of each.\n\n")
	for _, a := range Applets() {
		fmt.Fprintf(&b, "  %-10s %s\n", a.Name, a.Summary)
	}
	b.WriteString("\nThe shell's own: . : [ alias break builtin cd command continue declare dirs echo eval exec exit export false getopts local\n" +
		"mapfile popd printf pushd pwd read readonly return set shift shopt source test trap true type unalias unset wait\n")
	return b.String()
}

// exported are the variables a command gets.
func exported(e expand.Environ) []string {
	var list []string
	e.Each(func(name string, v expand.Variable) bool {
		if v.Exported && v.Kind == expand.String && v.IsSet() {
			list = append(list, name+"="+v.Str)
		}
		return true
	})
	return list
}

// environ is the environment of a shell.
type environ struct {
	expand.Environ
	own map[string]string // set and not exported
}

func newEnviron(env []string) environ {
	own := map[string]string{}
	if uid, gid, _, err := system.Identity(); err == nil {
		own["UID"], own["EUID"], own["GID"] = fmt.Sprint(uid), fmt.Sprint(uid), fmt.Sprint(gid)
	}
	return environ{expand.ListEnviron(env...), own}
}

func variable(value string) expand.Variable {
	return expand.Variable{Set: true, Kind: expand.String, Str: value}
}

func (e environ) Get(name string) expand.Variable {
	if v, ok := e.own[name]; ok {
		return variable(v)
	}
	return e.Environ.Get(name)
}

func (e environ) Each(f func(name string, v expand.Variable) bool) {
	for name, v := range e.own {
		if !f(name, variable(v)) {
			return
		}
	}
	e.Environ.Each(f)
}

// The S_IFMT bits of a mode, as Linux has them; Go's for WASI are others.
const (
	sIFMT   = 0o170000
	sIFIFO  = 0o010000
	sIFCHR  = 0o020000
	sIFDIR  = 0o040000
	sIFBLK  = 0o060000
	sIFREG  = 0o100000
	sIFLNK  = 0o120000
	sIFSOCK = 0o140000
)

// statFile is how the shell asks about files. WASI knows no modes.
func statFile(_ context.Context, name string, follow bool) (fs.FileInfo, error) {
	get := system.Lstat
	if follow {
		get = system.Stat
	}
	st, err := get(name)
	if err != nil {
		return nil, err
	}
	return info{path.Base(name), st}, nil
}

// info is a Stat as Go has it.
type info struct {
	name string
	st   abi.Stat
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.st.Size) }
func (i info) ModTime() time.Time { return time.Unix(0, int64(i.st.Modified)) }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	m := fs.FileMode(i.st.Mode & 0o777)
	for _, b := range []struct {
		bit  uint64
		mode fs.FileMode
	}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}} {
		if i.st.Mode&b.bit != 0 {
			m |= b.mode
		}
	}
	return m | map[uint64]fs.FileMode{
		sIFIFO: fs.ModeNamedPipe, sIFCHR: fs.ModeDevice | fs.ModeCharDevice, sIFDIR: fs.ModeDir, sIFBLK: fs.ModeDevice,
		sIFLNK: fs.ModeSymlink, sIFSOCK: fs.ModeSocket,
	}[i.st.Mode&sIFMT]
}

// access is how `test -r` and `cd` ask. Capabilities are the kernel's business: for root all is allowed.
func access(_ context.Context, name string, mode interp.AccessMode) error {
	st, err := system.Stat(name)
	if err != nil {
		return err
	}
	uid, gid, groups, err := system.Identity()
	if err != nil || uid == 0 {
		return err
	}
	bits := st.Mode & 7
	switch {
	case int(st.UID) == uid:
		bits = st.Mode >> 6 & 7
	case int(st.GID) == gid || slices.Contains(groups, int(st.GID)):
		bits = st.Mode >> 3 & 7
	}
	if uint64(mode)&^bits != 0 {
		return fs.ErrPermission
	}
	return nil
}
