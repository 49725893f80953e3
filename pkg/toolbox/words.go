package toolbox

import (
	"context"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellApplets are words of the shell that are programs of their own, too: the shell runs them.
func shellApplets() []Applet {
	var list []Applet
	for _, a := range []Applet{
		{Name: "[", Synopsis: "EXPRESSION ]", Summary: "as test"},
		{Name: "echo", Synopsis: "[-n] [-e] [TEXT...]", Summary: "show text"},
		{Name: "false", Summary: "fail"},
		{Name: "printf", Synopsis: "FORMAT [ARGUMENT...]", Summary: "show text in a format"},
		{Name: "pwd", Summary: "show the working directory"},
		{Name: "test", Synopsis: "EXPRESSION", Summary: "compare, and ask about files: the exit code says it"},
		{Name: "true", Summary: "succeed"},
	} {
		a.raw, a.run = true, word
		list = append(list, a)
	}
	return list
}

// word has the shell run one of its own.
func word(c *Call) error {
	var b strings.Builder
	b.WriteString("builtin " + c.applet.Name)
	for _, arg := range c.args {
		quoted, err := syntax.Quote(arg, syntax.LangBash)
		if err != nil {
			return err
		}
		b.WriteString(" " + quoted)
	}
	o := shellOptions{hasCommand: true, command: b.String()}
	if code := runShell(context.WithoutCancel(c.ctx), streams{c.in, c.out, c.stderr}, c.dir, c.env, o); code != 0 {
		return exitCode(code)
	}
	return nil
}
