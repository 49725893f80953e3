// Package cases is the table of what the toolbox is tested with: by its own tests as Go that runs here, and by the runner's as the module that
// runs in containers.
package cases

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Case is one call. Its working directory is one that Directory made.
type Case struct {
	Name  string
	Args  []string // the first is the name it is called by
	Stdin string
	Env   []string
	Out   string // standard output
	Err   string // part of standard error; "" is none
	Code  int
}

// script is a case of the shell.
func script(name, text, out string) Case {
	return Case{Name: name, Args: []string{"sh", "-c", text}, Out: out}
}

// fails is one that ends with a code and says why.
func fails(name, text, out, complaint string, code int) Case {
	return Case{Name: name, Args: []string{"sh", "-c", text}, Out: out, Err: complaint, Code: code}
}

// Modified is when every file of Directory was last changed.
var Modified = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)

// Directory makes the files that the cases are about.
func Directory(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"sub/deep", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"a.txt": "one\ntwo\nthree\n", "b.txt": "beta\nAlpha\nbeta\n", "none": "", "cut": "no end", "sub/c.txt": "two\n", "sub/deep/d.log": "deep\n",
		"numbers": "10\n9\n100\n", ".hidden": "h\n", "script.sh": "#!/bin/sh\necho script $1 $#\nexit 3\n", "module": "\x00asm\x01\x00\x00\x00", "with space": "s\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", "b.txt", "none", "cut", "sub/c.txt", "sub/deep/d.log", "numbers", ".hidden", "script.sh", "module", "with space", "sub/deep", "sub", "empty", "."} {
		if err := os.Chtimes(filepath.Join(dir, name), Modified, Modified); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// All are all cases.
func All() []Case {
	var all []Case
	for _, some := range [][]Case{shell(), files(), lists(), texts(), processes()} {
		all = append(all, some...)
	}
	return all
}

// Line is the case's arguments, with a port that is free in place of PORT.
func (c Case) Line(t testing.TB) []string {
	t.Helper()
	line := slices.Clone(c.Args)
	for i, arg := range line {
		if !strings.Contains(arg, "PORT") {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err := errors.Join(err, l.Close()); err != nil {
			t.Fatal(err)
		}
		line[i] = strings.ReplaceAll(arg, "PORT", port)
	}
	return line
}
