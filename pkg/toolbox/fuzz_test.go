package toolbox

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mvdan.cc/sh/v3/expand"
)

// fuzzed is a call that does nothing.
func fuzzed(name string, args ...string) *Call {
	a, _ := find(name)
	return &Call{
		ctx: context.Background(), applet: a, args: args, dir: "/nonexistent", stdin: strings.NewReader(""),
		stdout: bufio.NewWriter(io.Discard), stderr: io.Discard, flags: parsed{},
	}
}

// FuzzFlags: whatever the arguments are, those that are left were among them.
func FuzzFlags(f *testing.F) {
	for _, s := range []string{"-la\x00x", "--lines=3\x00f", "-n\x003", "--\x00-n", "-", "--no", "-\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		c := fuzzed("head", args...)
		var usage usageError
		var code exitCode
		if err := c.parse(); err != nil && !errors.As(err, &usage) && !errors.As(err, &code) {
			t.Errorf("%q: %v", args, err)
		}
		if len(c.args) > len(args)+1 { // "-3" becomes two
			t.Errorf("%q became %q", args, c.args)
		}
	})
}

// FuzzShellOptions: parsing ends, and does not make arguments up.
func FuzzShellOptions(f *testing.F) {
	for _, s := range []string{"-c\x00x\x00y", "-eu", "+o\x00pipefail", "--\x00-c", "-co"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		if o, err := parseShell(args); err == nil && len(o.rest) > len(args) {
			t.Errorf("%q became %+v", args, o)
		}
	})
}

// FuzzPattern: a basic expression that was rewritten is an expression or an error, and plain text is found where it stands.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`a\|b`, `[]x]`, `[^]]*`, `*a`, `\(x\)\{2\}`, `a\`, `[`, `x+?`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if len(pattern) > 1000 { // what takes long to compile is the user's own time
			return
		}
		c := fuzzed("grep")
		_, _ = c.pattern([]string{pattern})
		c.flags["F"] = []string{""}
		plain, err := c.pattern([]string{pattern})
		if utf8.ValidString(pattern) && (err != nil || !strings.Contains(pattern, "\n") && !plain.MatchString("x"+pattern+"y")) {
			t.Errorf("%q as plain text: %v", pattern, err)
		}
	})
}

// FuzzFind: an expression is read to its end or refused.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"-name\x00*.go", "(\x00-type\x00f\x00-o\x00-empty\x00)", "!\x00!\x00-true", "-size\x00+3k", "-exec\x00ls\x00{}\x00;", "-perm\x00-644", "("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		x := &finder{Call: fuzzed("find"), args: strings.Split(line, "\x00")}
		if len(x.args) > 100 {
			return
		}
		expression, err := x.or()
		if err == nil && expression == nil {
			t.Errorf("%q: %v", line, err)
		}
	})
}

// FuzzAnswer: whatever a server says, what is read of it is bounded by what was sent.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 N\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "junk",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		in := bufio.NewReader(bytes.NewReader(answer))
		status, header, err := fuzzed("wget").response(in)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, body(in, status, header)); n > int64(len(answer)) {
			t.Errorf("%d bytes out of %d", n, len(answer))
		}
	})
}

// FuzzTimes: dates in and out.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"@0", "2024-02-29", "2024-02-29T12:34:56Z", "%Y-%m-%d %", "%N%s%%", "now", "1.5h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = parseTime(text)
		_ = dateText(text, time.Unix(0, 0))
		if d, err := seconds(text); err == nil && d < 0 {
			t.Errorf("%q is %v", text, d)
		}
	})
}

func TestEnvironmentOfAShell(t *testing.T) {
	e := newEnviron([]string{"A=b"})
	if v := e.Get("UID"); !v.IsSet() || v.Exported {
		t.Errorf("UID is %+v", v)
	}
	var exportedNames []string
	e.Each(func(name string, v expand.Variable) bool {
		if v.Exported {
			exportedNames = append(exportedNames, name)
		}
		return true
	})
	if len(exportedNames) != 1 || exportedNames[0] != "A" {
		t.Errorf("exported are %q", exportedNames)
	}
}

// FuzzUnpack: nothing of an archive is written outside the directory it is unpacked in.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"a", "../a", "/a", "x/../../a", "a/b/../../../c", "."} {
		f.Add(name, "../../etc", byte('2'))
		f.Add(name, "a", byte('0'))
	}
	above := f.TempDir()
	f.Fuzz(func(t *testing.T, name, link string, kind byte) {
		dir := filepath.Join(above, "in")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c := fuzzed("tar")
		c.dir = dir
		h := &tar.Header{Name: name, Linkname: link, Typeflag: kind}
		_ = c.unpackFile(tar.NewReader(strings.NewReader("")), h)
		if entries, err := os.ReadDir(above); err != nil || len(entries) != 1 {
			t.Errorf("%q: %v, %v", name, entries, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
}
