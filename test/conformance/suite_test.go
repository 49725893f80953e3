package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

// build compiles the tests of a package of a module that this one requires, or a tool does, and returns the program.
func build(t *testing.T, module, version, pkg, name string) string {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", module+"@"+version).Output()
	if err != nil {
		t.Fatalf("download %s: %v", module, err)
	}
	m := regexp.MustCompile(`"Dir": "([^"]+)"`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("download %s: %s", module, out)
	}
	program := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "test", "-c", "-o", program, pkg)
	cmd.Dir = string(m[1])
	cmd.Env = append(cmd.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	return program
}

// run runs a program in a network namespace and returns what it printed.
func run(t *testing.T, n *daemon.Netns, limit time.Duration, dir string, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := os.CreateTemp(t.TempDir(), filepath.Base(program))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out // a file: daemons that stay hold no pipe
	if err := n.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait() // fails with the first test that does
	if ctx.Err() != nil {
		t.Errorf("%s took longer than %v", filepath.Base(program), limit)
	}
	t.Logf("%s: %v", filepath.Base(program), err)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// outcomes are how tests ended, by name.
type outcomes map[string]string

// parseGo reads the output of go test -v.
func parseGo(out io.Reader) outcomes {
	line := regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)
	o := outcomes{}
	for s := bufio.NewScanner(out); s.Scan(); {
		if m := line.FindStringSubmatch(s.Text()); m != nil {
			o[m[2]] = strings.ToLower(m[1])
		}
	}
	return o
}

// expected reads testdata/NAME: a line for each test that does not pass under wasmgo though it does under runc, with the reason.
func expected(t *testing.T, name string) map[string]string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if test, reason, ok := strings.Cut(strings.TrimSpace(line), " # "); ok {
			out[strings.TrimSpace(test)] = reason
		}
	}
	return out
}

// compare fails the test for what runc passes and wasmgo does not, unless that is expected, and logs the counts.
func compare(t *testing.T, wasmgo, runc outcomes, known map[string]string) {
	t.Helper()
	counts := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(runc)) {
		got, want := wasmgo[name], runc[name]
		if got == "" {
			got = "missing"
		}
		counts[fmt.Sprintf("%s, under runc %s", got, want)]++
		switch reason, ok := known[name]; {
		case ok && got == "pass":
			t.Errorf("%s passes, and is expected not to: %s", name, reason)
		case !ok && want == "pass" && got != "pass":
			t.Errorf("%s: %s, and it passes under runc", name, got)
		case want == "fail":
			t.Logf("fails under runc here: %s (%s)", name, got)
		}
	}
	t.Logf("%v", counts)
}
