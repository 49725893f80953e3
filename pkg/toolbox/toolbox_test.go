package toolbox

import (
	"bytes"
	"context"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/cases"
)

// call runs a case as Go of this machine.
func callCase(t *testing.T, c cases.Case) (code int, out, complaint string) {
	t.Helper()
	dir := cases.Directory(t)
	var stdout, stderr bytes.Buffer
	// A file, as the standard input of a process is: the shell's reader of others would read ahead.
	stdin, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if _, err := in.WriteString(c.Stdin); err != nil {
		t.Fatal(err)
	}
	in.Close()
	std := streams{stdin, &stdout, &stderr}
	line := c.Line(t)
	name := path.Base(line[0])
	if name == "sh" {
		code = shell(std, dir, c.Env, line)
	} else {
		code = run(context.Background(), std, dir, c.Env, append([]string{name}, line[1:]...))
	}
	return code, stdout.String(), stderr.String()
}

func TestCases(t *testing.T) {
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			code, out, complaint := callCase(t, c)
			if code != c.Code || out != c.Out || !strings.Contains(complaint, c.Err) || c.Err == "" && complaint != "" {
				t.Errorf("%q: exit code %d, output %q and %q; want %d, %q and %q", c.Args, code, out, complaint, c.Code, c.Out, c.Err)
			}
		})
	}
}

// TestTools: the shim knows by name what there is.
func TestTools(t *testing.T) {
	names := []string{"sh"}
	for _, a := range Applets() {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, handover.Tools) {
		t.Errorf("there are\n%q\nand the shim knows\n%q", names, handover.Tools)
	}
}
