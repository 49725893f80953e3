package vm

import (
	"bufio"
	"reflect"
	"strings"
	"testing"
)

// console is what a machine writes: the firmware's noise, a kernel message in between, carriage returns.
const console = "\x1bcSeaBIOS\r\n[    0.1] boot\r\n\r\n@@ begin a\r\n=== RUN   TestOne\r\n    a_test.go:1: said\r\n=== RUN   TestOne/sub\r\n--- PASS: TestOne (0.01s)\r\n    --- PASS: TestOne/sub (0.00s)\r\n" +
	"=== RUN   TestTwo\r\n[    9.9] oom-kill\r\n    a_test.go:2: why\r\n--- SKIP: TestTwo (0.00s)\r\nPASS\r\n@@ end a 0\r\n\r\n@@ begin b\r\n=== RUN   TestThree\r\npanic: no\r\n@@ end b 2\r\n@@ done\r\n"

func TestReadConsole(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string]string // name to status
		done       bool
	}{
		{name: "a machine that got to its end", text: console, want: map[string]string{"a": "0", "b": "2"}, done: true},
		{name: "one that stopped in the middle", text: console[:strings.Index(console, "@@ end b")], want: map[string]string{"a": "0", "b": ""}},
		{name: "one that never began", text: "SeaBIOS\r\nKernel panic\r\n", want: map[string]string{}},
		{name: "nothing", want: map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ready := 0
			results, tail, done := readConsole(bufio.NewReader(strings.NewReader(test.text)), func() { ready++ })
			got := make(map[string]string)
			for name, r := range results {
				got[name] = r.status
			}
			if !reflect.DeepEqual(got, test.want) || done != test.done {
				t.Errorf("got %v, done %v, want %v, %v", got, done, test.want, test.done)
			}
			if (ready == 1) != (len(test.want) > 0) {
				t.Errorf("ready was called %d times", ready)
			}
			if test.text != "" && tail == "" {
				t.Error("no end of the console")
			}
		})
	}
}

func TestTestBlocks(t *testing.T) {
	results, _, _ := readConsole(bufio.NewReader(strings.NewReader(console)), func() {})
	got := testBlocks(results["a"].output)
	want := []block{
		{name: "TestOne", verdict: "PASS", text: "    a_test.go:1: said\n=== RUN   TestOne/sub\n    --- PASS: TestOne/sub (0.00s)\n"},
		{name: "TestTwo", verdict: "SKIP", text: "[    9.9] oom-kill\n    a_test.go:2: why\nPASS\n"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := testBlocks(results["b"].output); len(got) != 1 || got[0].verdict != "" {
		t.Errorf("of a test that did not end: %q", got)
	}
}

// FuzzConsole looks that nothing a machine writes makes a failure into a success: only a verdict at the beginning of a line counts.
func FuzzConsole(f *testing.F) {
	f.Add(console)
	f.Add("@@ begin\n@@ end\n@@ done")
	f.Add("@@ begin a\n--- PASS: TestOne (0.00s)\n=== RUN   TestOne\n@@ end a 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		results, _, _ := readConsole(bufio.NewReader(strings.NewReader(text)), func() {})
		for name, r := range results {
			if !strings.Contains(text, name) {
				t.Errorf("no %q was begun", name)
			}
			for _, b := range testBlocks(r.output) {
				if b.verdict == "PASS" && !strings.Contains(r.output, "--- PASS: "+b.name+" ") {
					t.Errorf("%s did not pass", b.name)
				}
			}
		}
	})
}
