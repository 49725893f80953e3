package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is a line of go test -json; see go doc test2json.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
	// ImportPath stands in for Package in the events of a build.
	ImportPath string
}

// goTest runs go test with args and counts.
func goTest(name string, args []string) (count, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return count{}, err
	}
	if err := cmd.Start(); err != nil {
		return count{}, err
	}
	c := newCounter(os.Stdout)
	readErr := c.read(out)
	waitErr := cmd.Wait()
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) || readErr != nil {
		return count{}, errors.Join(readErr, waitErr)
	}
	got := c.count(name)
	if waitErr != nil && got.Failed == 0 {
		got.Failed = 1 // go test itself did not get as far as a test
	}
	return got, nil
}

// counter adds up the events of one go test. A test with subtests counts as its subtests.
type counter struct {
	w       io.Writer
	output  map[string][]string // package and test to what it printed
	outcome map[string]string   // package and test to pass, fail or skip
	slow    []event
}

func newCounter(w io.Writer) *counter {
	return &counter{w: w, output: make(map[string][]string), outcome: make(map[string]string)}
}

func (c *counter) read(r io.Reader) error {
	for dec := json.NewDecoder(r); ; {
		var e event
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the events of go test: %w", err)
		}
		c.add(e)
	}
}

func (c *counter) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(c.w, e.Output)
	case "output":
		c.output[key] = append(c.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			c.endPackage(e)
			return
		}
		c.outcome[key] = e.Action
		if e.Action == "fail" || e.Action == "skip" {
			c.show(key, e)
		}
		if e.Elapsed > 5 && !strings.Contains(e.Test, "/") {
			c.slow = append(c.slow, e)
		}
		delete(c.output, key)
	}
}

func (c *counter) show(key string, e event) {
	if e.Action == "skip" {
		// The reason alone: the lines that name the test are go test's own.
		for _, line := range c.output[key] {
			if !strings.HasPrefix(strings.TrimSpace(line), "---") && !strings.HasPrefix(line, "===") {
				fmt.Fprintf(c.w, "skipped: %s %s: %s", e.Package, e.Test, strings.TrimSpace(line)+"\n")
			}
		}
		return
	}
	fmt.Fprintf(c.w, "%s %s\n%s", e.Package, e.Test, strings.Join(c.output[key], ""))
}

// endPackage shows what a package said outside its tests, if it failed: a panic, a data race at exit, a time-out.
func (c *counter) endPackage(e event) {
	prefix := e.Package + " "
	if e.Action == "fail" {
		failed := false
		for key, outcome := range c.outcome {
			failed = failed || outcome == "fail" && strings.HasPrefix(key, prefix)
		}
		if !failed {
			c.outcome[prefix] = "fail"
		}
		// Tests that have begun and not ended: the package died under them.
		for key, lines := range c.output {
			if strings.HasPrefix(key, prefix) {
				fmt.Fprint(c.w, strings.Join(lines, ""))
			}
		}
	}
	if e.Action != "skip" {
		fmt.Fprintf(c.w, "%s %s %.1f s\n", e.Action, e.Package, e.Elapsed)
	}
	for key := range c.output {
		if strings.HasPrefix(key, prefix) {
			delete(c.output, key)
		}
	}
}

func (c *counter) count(name string) count {
	parents := make(map[string]bool)
	for key := range c.outcome {
		for i := strings.LastIndexByte(key, '/'); i > strings.IndexByte(key, ' '); i = strings.LastIndexByte(key[:i], '/') {
			parents[key[:i]] = true
		}
	}
	got := count{Name: name}
	for key, outcome := range c.outcome {
		switch {
		// A parent counts where it failed and none of its subtests did.
		case parents[key] && !(outcome == "fail" && !c.childFailed(key)):
		case outcome == "pass":
			got.Passed++
			got.PassedTests = append(got.PassedTests, topLevel(key))
		case outcome == "fail":
			got.Failed++
		case outcome == "skip":
			got.Skipped++
			got.SkippedTests = append(got.SkippedTests, topLevel(key))
		}
	}
	slices.Sort(got.PassedTests)
	got.PassedTests = slices.Compact(got.PassedTests)
	slices.Sort(got.SkippedTests)
	slices.SortFunc(c.slow, func(a, b event) int { return int(b.Elapsed*1000) - int(a.Elapsed*1000) })
	for _, e := range c.slow[:min(5, len(c.slow))] {
		fmt.Fprintf(c.w, "slow: %.1f s %s %s\n", e.Elapsed, e.Package, e.Test)
	}
	return got
}

// topLevel is the name of the test function: of TestUnified/cgroup/TestX, which ran TestX in a virtual machine, that one's.
func topLevel(key string) string {
	_, name, _ := strings.Cut(key, " ")
	top := name
	for _, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, "Test") {
			top = part
		}
	}
	return top
}

func (c *counter) childFailed(parent string) bool {
	for key, outcome := range c.outcome {
		if outcome == "fail" && strings.HasPrefix(key, parent+"/") {
			return true
		}
	}
	return false
}
