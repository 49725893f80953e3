package integration

import (
	"strings"
	"testing"
)

var exitCases = []testCase{
	{"exit codes are the guest's", func(t *testing.T, e env) {
		for _, c := range []struct {
			args []string
			want uint32
		}{
			{[]string{"/exit_code.wasm", "0"}, 0},
			{[]string{"/exit_code.wasm", "1"}, 1},
			{[]string{"/exit_code.wasm", "7", "return"}, 7},
			{[]string{"/exit_code.wasm", "255"}, 255},
			{[]string{"/tool.wasm", "exit", "3"}, 3},
			{[]string{"/hello.wasm"}, 0},
		} {
			if got, out, errs := e.run(t, guest(c.args...)); got != c.want {
				t.Errorf("%q: exit code %d, want %d\n%s%s", c.args, got, c.want, out, errs)
			}
		}
	}},
	{"a trap is 134 with a backtrace of function names", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/trap.wasm"))
		if code != 134 {
			t.Errorf("exit code %d, want 134", code)
		}
		mustContain(t, errs, "unreachable", "inner", "middle", "outer")
	}},
	{"a trap in a module with DWARF names file and line", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/trap_dwarf.wasm"))
		if code != 134 {
			t.Errorf("exit code %d, want 134", code)
		}
		mustContain(t, errs, "integer divide by zero", "trap_dwarf.c:4", "trap_dwarf.c:12")
	}},
	{"recursion without end is a trap", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/recurse.wasm"))
		if code != 134 {
			t.Errorf("exit code %d, want 134", code)
		}
		mustContain(t, errs, "stack")
	}},
	{"a panic of a Go guest is Go's own exit code", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/tool.wasm", "panic", "at the disco"))
		if code != 2 {
			t.Errorf("exit code %d, want 2", code)
		}
		mustContain(t, errs, "panic: at the disco")
	}},
	{"another export runs in place of _start", func(t *testing.T, e env) {
		for args, want := range map[string]string{
			"/exports.wasm":       "start\n",
			"/exports.wasm#other": "other\n",
			"/reactor.wasm#serve": "initialized, then served\n",
		} {
			code, out, errs := e.run(t, guest(args))
			if code != 0 || out != want {
				t.Errorf("%s: exit code %d, output %q, want %q\n%s", args, code, out, want, errs)
			}
		}
	}},
	{"what to run is found by path, by the working directory and along PATH", func(t *testing.T, e env) {
		for _, name := range []string{"/args.wasm", "../args.wasm", "args.wasm", "noext", "/plain/noext"} {
			code, out, errs := e.run(t, guest(name, "and more"))
			if want := name + "\nand more\n"; code != 0 || out != want {
				t.Errorf("%s: exit code %d, output %q, want %q\n%s", name, code, out, want, errs)
			}
		}
	}},
	{"a module in text form runs", func(t *testing.T, e env) {
		if code, _, errs := e.run(t, guest("/guest.wat")); code != 9 {
			t.Errorf("exit code %d, want 9\n%s", code, errs)
		}
	}},
}

// mustContain fails the test for each part that is not in text.
func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in %q", p, text)
		}
	}
}
