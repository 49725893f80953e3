package toolbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/system"
)

// processApplets are about processes, time and names.
func processApplets() []Applet {
	return []Applet{
		{Name: "basename", Synopsis: "PATH [SUFFIX]", Summary: "show the last part of a path", run: basename},
		{Name: "date", Synopsis: "[+FORMAT]", Summary: "show the time", run: date, Flags: []Flag{
			{Short: 'u', Long: "utc", Help: "in UTC"},
			{Short: 'd', Long: "date", Value: "TIME", Help: "another time, as 2006-01-02T15:04:05Z or @SECONDS"},
			{Short: 'r', Long: "reference", Value: "FILE", Help: "the time of the last change of a file"},
			{Short: 'I', Help: "the date as 2006-01-02"},
			{Short: 'R', Help: "as in mail"},
		}},
		{Name: "dirname", Synopsis: "PATH...", Summary: "show all but the last part of a path", run: dirname},
		{Name: "env", Synopsis: "[NAME=VALUE...] [COMMAND [ARGUMENT...]]", Summary: "show the variables, or run a command with others", run: env, raw: true},
		{Name: "hostname", Summary: "show the container's name", run: hostname},
		{Name: "id", Summary: "show who one is", run: id, Flags: []Flag{
			{Short: 'u', Long: "user", Help: "the user only"},
			{Short: 'g', Long: "group", Help: "the group only"},
			{Short: 'G', Long: "groups", Help: "all groups"},
			{Short: 'n', Help: "nothing: there are only numbers here"},
		}},
		{Name: "kill", Synopsis: "[-SIGNAL] PID...", Summary: "send signals to processes; -l lists them", run: kill, raw: true},
		{Name: "printenv", Synopsis: "[NAME...]", Summary: "show variables", run: printenv},
		{Name: "ps", Summary: "show the container's processes", run: ps, Flags: []Flag{
			{Short: 'e', Help: "all, which is how it is without it"}, {Short: 'f', Help: "as -e"}, {Short: 'A', Help: "as -e"},
		}},
		{Name: "seq", Synopsis: "[FIRST [STEP]] LAST", Summary: "show numbers", run: seq, raw: true},
		{Name: "sleep", Synopsis: "SECONDS...", Summary: "wait; 1.5, 2m, 1h and 1d are fine, too", run: sleep},
		{Name: "timeout", Synopsis: "SECONDS COMMAND [ARGUMENT...]", Summary: "run a command for so long at most (exit code 124)", run: timeout, raw: true},
		{Name: "uname", Summary: "show what system this is", run: uname, Flags: []Flag{
			{Short: 'a', Help: "all"}, {Short: 's', Help: "system"}, {Short: 'n', Help: "name"}, {Short: 'm', Help: "machine"}, {Short: 'r', Help: "release"},
		}},
		{Name: "which", Synopsis: "NAME...", Summary: "show where commands are", run: which},
		{Name: "xargs", Synopsis: "[-0] [-n COUNT] [-I TEXT] [COMMAND [ARGUMENT...]]", Summary: "run a command with arguments from standard input", run: xargs, raw: true},
	}
}

// width is the terminal's that output goes to, in characters, or 0.
func (c *Call) width() int {
	for _, v := range c.env {
		if text, ok := strings.CutPrefix(v, "COLUMNS="); ok {
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		}
	}
	return c.columnsOf
}

// pause waits.
func (c *Call) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// command runs args as a command of a shell would be, without a shell's own words unless there is no applet.
func (c *Call) command(ctx context.Context, stdin io.Reader, env, args []string) error {
	if err := c.stdout.Flush(); err != nil {
		return err
	}
	if code := start(ctx, streams{stdin, c.out, c.stderr}, c.dir, env, args); code != 0 {
		return exitCode(code)
	}
	return nil
}

func env(c *Call) error {
	vars := slices.Clone(c.env)
	for len(c.args) > 0 {
		arg := c.args[0]
		switch {
		case arg == "-i" || arg == "-":
			vars = nil
		case arg == "-u" && len(c.args) > 1:
			c.args = c.args[1:]
			vars = slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, c.args[0]+"=") })
		case arg == "--help":
			fmt.Fprint(c.stdout, c.applet.help())
			return nil
		case strings.HasPrefix(arg, "-"):
			return misused("no such option: %s", arg)
		case strings.Contains(arg, "="):
			name, _, _ := strings.Cut(arg, "=")
			vars = append(slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") }), arg)
		default:
			return c.command(c.ctx, c.in, vars, c.args)
		}
		c.args = c.args[1:]
	}
	for _, v := range vars {
		fmt.Fprintln(c.stdout, v)
	}
	return nil
}

func printenv(c *Call) error {
	if len(c.args) == 0 {
		return env(c)
	}
	for _, name := range c.args {
		i := slices.IndexFunc(c.env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		if i < 0 {
			c.status = 1
			continue
		}
		fmt.Fprintln(c.stdout, c.env[i][len(name)+1:])
	}
	return nil
}

// seconds reads a duration as sleep takes it.
func seconds(text string) (time.Duration, error) {
	unit, digits := time.Second, text
	if n := len(text); n > 0 {
		if u, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[n-1]]; ok {
			unit, digits = u, text[:n-1]
		}
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || f < 0 || f != f {
		return 0, misused("no time: %q", text)
	}
	return time.Duration(min(f*float64(unit), float64(1<<62))), nil
}

func sleep(c *Call) error {
	if len(c.args) == 0 {
		return misused("wants a time")
	}
	var sum time.Duration
	for _, text := range c.args {
		d, err := seconds(text)
		if err != nil {
			return err
		}
		sum += d
	}
	return c.pause(sum)
}

func timeout(c *Call) error {
	const timedOut = 124
	for len(c.args) > 0 && strings.HasPrefix(c.args[0], "-") {
		takes := c.args[0] == "-s" || c.args[0] == "-k"
		if c.args = c.args[1:]; takes && len(c.args) > 0 {
			c.args = c.args[1:]
		}
	}
	if len(c.args) < 2 {
		return misused("wants a time and a command")
	}
	d, err := seconds(c.args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	err = c.command(ctx, c.in, c.env, c.args[1:])
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return exitCode(timedOut)
	}
	return err
}

func id(c *Call) error {
	uid, gid, groups, err := system.Identity()
	if err != nil {
		return err
	}
	if !slices.Contains(groups, gid) {
		groups = append([]int{gid}, groups...)
	}
	all := strings.Trim(fmt.Sprint(groups), "[]")
	switch {
	case c.has("u"):
		fmt.Fprintln(c.stdout, uid)
	case c.has("g"):
		fmt.Fprintln(c.stdout, gid)
	case c.has("G"):
		fmt.Fprintln(c.stdout, all)
	default:
		fmt.Fprintf(c.stdout, "uid=%d gid=%d groups=%s\n", uid, gid, strings.ReplaceAll(all, " ", ","))
	}
	return nil
}

func ps(c *Call) error {
	list, err := system.Processes()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%7s %9s %s\n", "PID", "TIME", "COMMAND")
	for _, p := range list {
		command := p.Command
		if command == "" {
			command = "?"
		}
		t := time.Duration(p.CPU).Round(10 * time.Millisecond)
		fmt.Fprintf(c.stdout, "%7d %6d:%02d %s\n", p.PID, int(t.Minutes()), int(t.Seconds())%60, command)
	}
	return nil
}

// signals are those of Linux on all machines that Wasmtime knows.
var signals = []string{
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT",
	"STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

func signalNumber(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 64 {
		return n, nil
	}
	if i := slices.Index(signals, strings.TrimPrefix(strings.ToUpper(text), "SIG")); i > 0 {
		return i, nil
	}
	return 0, misused("no such signal: %s", text)
}

func kill(c *Call) error {
	signal := 15
	args := c.args
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" {
		switch text := args[0][1:]; {
		case text == "l":
			for i, name := range signals[1:] {
				fmt.Fprintf(c.stdout, "%2d %s\n", i+1, name)
			}
			return nil
		case text == "-help":
			fmt.Fprint(c.stdout, c.applet.help())
			return nil
		default:
			if (text == "s" || text == "n") && len(args) > 1 {
				text, args = args[1], args[1:]
			}
			n, err := signalNumber(text)
			if err != nil {
				return err
			}
			signal, args = n, args[1:]
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return misused("wants a process")
	}
	for _, text := range args {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return misused("no process: %q", text)
		}
		if err := system.Kill(pid, signal); err != nil {
			c.complain(fmt.Errorf("%d: %w", pid, err))
		}
	}
	return nil
}

func hostname(c *Call) error {
	name, err := system.Hostname()
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, name)
	return nil
}

func uname(c *Call) error {
	name, err := system.Hostname()
	if err != nil {
		return err
	}
	var shown []string
	for _, f := range []struct{ key, text string }{{"s", "wasi"}, {"n", name}, {"r", "0.1"}, {"m", "wasm32"}} {
		if c.has("a") || c.has(f.key) {
			shown = append(shown, f.text)
		}
	}
	if shown == nil {
		shown = []string{"wasi"}
	}
	fmt.Fprintln(c.stdout, strings.Join(shown, " "))
	return nil
}

func which(c *Call) error {
	for _, name := range c.args {
		_, ours := find(name)
		switch file, ok := lookPath(c.dir, c.env, name); {
		case ok:
			fmt.Fprintln(c.stdout, file)
		case ours || name == "sh":
			fmt.Fprintln(c.stdout, "/bin/"+path.Base(name))
		default:
			c.status = codeFailed
		}
	}
	return nil
}

func basename(c *Call) error {
	if len(c.args) < 1 || len(c.args) > 2 {
		return misused("wants a path")
	}
	name := path.Base(c.args[0])
	if len(c.args) == 2 && name != c.args[1] {
		name = strings.TrimSuffix(name, c.args[1])
	}
	fmt.Fprintln(c.stdout, name)
	return nil
}

func dirname(c *Call) error {
	return c.each(func(name string) error {
		fmt.Fprintln(c.stdout, path.Dir(strings.TrimRight(name, "/")))
		return nil
	})
}

func seq(c *Call) error {
	first, step, last := "1", "1", ""
	switch len(c.args) {
	case 1:
		last = c.args[0]
	case 2:
		first, last = c.args[0], c.args[1]
	case 3:
		first, step, last = c.args[0], c.args[1], c.args[2]
	default:
		return misused("wants one number to three")
	}
	var n [3]float64
	for i, text := range []string{first, step, last} {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return misused("no number: %q", text)
		}
		n[i] = f
	}
	if n[1] == 0 {
		return misused("the step is 0")
	}
	for i := 0; ; i++ {
		x := n[0] + float64(i)*n[1]
		if n[1] > 0 && x > n[2] || n[1] < 0 && x < n[2] {
			return nil
		}
		if _, err := fmt.Fprintln(c.stdout, strconv.FormatFloat(x, 'g', 12, 64)); err != nil {
			return err
		}
	}
}

func xargs(c *Call) error {
	separator, most, place := "", 0, ""
	for len(c.args) > 0 && strings.HasPrefix(c.args[0], "-") {
		arg := c.args[0]
		c.args = c.args[1:]
		value := func() string {
			if len(c.args) == 0 {
				return ""
			}
			v := c.args[0]
			c.args = c.args[1:]
			return v
		}
		switch arg {
		case "-0":
			separator = "\x00"
		case "-r":
		case "-I":
			place, separator = value(), "\n"
		case "-n":
			n, err := strconv.Atoi(value())
			if err != nil || n < 1 {
				return misused("-n wants a number")
			}
			most = n
		default:
			return misused("no such option: %s", arg)
		}
	}
	if len(c.args) == 0 {
		c.args = []string{"echo"}
	}
	words, err := c.words(separator)
	if err != nil {
		return err
	}
	switch {
	case place != "":
		most = 1
	case most == 0:
		most = len(words)
	}
	for chunk := range slices.Chunk(words, max(1, most)) {
		args := slices.Concat(c.args, chunk)
		if place != "" {
			args = slices.Clone(c.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], place, chunk[0])
			}
		}
		var code exitCode
		if err := c.command(c.ctx, strings.NewReader(""), c.env, args); errors.As(err, &code) {
			const oneFailed = 123
			c.status = oneFailed
		} else if err != nil {
			return err
		}
	}
	return nil
}

// words are those of standard input.
func (c *Call) words(separator string) ([]string, error) {
	text, err := io.ReadAll(bufio.NewReader(c.stdin))
	if err != nil {
		return nil, err
	}
	if separator == "" {
		return strings.Fields(string(text)), nil
	}
	words := strings.Split(string(text), separator)
	return slices.DeleteFunc(words, func(w string) bool { return w == "" }), nil
}
