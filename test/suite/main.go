// Command suite runs one suite of tests and counts them, so that a run of many suites can say what it did in one line.
//
//	suite run NAME [go test arguments]   runs go test -json, shows failures in full and skips with their reason
//	suite fuzz COUNT [packages]          runs every Fuzz function there is for COUNT inputs each
//	suite left-out NAME REASON           records a suite that was not run
//	suite total                          adds up what the above recorded, prints it, and fails if anything failed
//
// Results are kept in build/suites, a file per suite, from the first suite of a run to its total. With CI=true a skipped
// test fails the total: what CI does not run, nobody runs.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// results is where suites leave their counts for total.
const results = "build/suites"

// count is what one suite did.
type count struct {
	Name                    string
	Passed, Failed, Skipped int
	LeftOut                 string // why it was not run
	Seconds                 float64
	// PassedTests and SkippedTests are the names of top-level tests that passed, or skipped in whole or in part: what one
	// host cannot run may be run on another, see elsewhere.
	PassedTests, SkippedTests []string
}

func (c count) String() string {
	if c.LeftOut != "" {
		return fmt.Sprintf("%s: left out: %s", c.Name, c.LeftOut)
	}
	return fmt.Sprintf("%s: %d passed, %d failed, %d skipped (%.0f s)", c.Name, c.Passed, c.Failed, c.Skipped, c.Seconds)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

var errFailed = errors.New("tests failed")

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("say run, fuzz, left-out or total")
	}
	start := time.Now()
	var c count
	var err error
	switch verb, args := args[0], args[1:]; {
	case verb == "run" && len(args) > 0:
		c, err = goTest(args[0], args[1:])
	case verb == "fuzz" && len(args) > 0:
		c, err = fuzz(args[0], args[1:])
	case verb == "left-out" && len(args) == 2:
		c = count{Name: args[0], LeftOut: args[1]}
	case verb == "total" && len(args) == 0:
		return total()
	default:
		return fmt.Errorf("%s: unknown, or the wrong number of arguments", verb)
	}
	if err != nil {
		return err
	}
	c.Seconds = time.Since(start).Seconds()
	fmt.Println(c)
	if err := record(c); err != nil {
		return err
	}
	if c.Failed > 0 {
		return errFailed
	}
	return nil
}

func record(c count) error {
	if err := os.MkdirAll(results, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(results, fmt.Sprintf("%d-%s.json", time.Now().UnixNano(), c.Name)), b, 0o644)
}

// vmSuite is the suite that runs tests of the others in virtual machines.
const vmSuite = "vm"

// elsewhere counts the skips of a suite whose tests passed on a host of another kind: what needs cgroup v2 or systemd in
// a virtual machine, what needs cgroup v1 here. The machines differ from each other too, and there a test is skipped as a whole
// or not at all, so its passing in one makes up for its skip in another.
func elsewhere(c count, suites []count) int {
	n := 0
	for _, test := range c.SkippedTests {
		for _, other := range suites {
			if (other.Name == vmSuite || c.Name == vmSuite) && slices.Contains(other.PassedTests, test) {
				n++
				break
			}
		}
	}
	return n
}

// total prints one line per suite in the order they ran, and one for all. It forgets them, so the next run begins anew.
func total() error {
	entries, err := os.ReadDir(results)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var sum count
	leftOut := 0
	var suites []count
	fmt.Println()
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(results, e.Name()))
		if err != nil {
			return err
		}
		var c count
		if err := json.Unmarshal(b, &c); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		suites = append(suites, c)
	}
	for _, c := range suites {
		n := elsewhere(c, suites)
		c.Skipped -= n
		fmt.Print(c)
		if n > 0 {
			fmt.Printf(", and %d on another kernel", n)
		}
		fmt.Println()
		sum.Passed += c.Passed
		sum.Failed += c.Failed
		sum.Skipped += c.Skipped
		sum.Seconds += c.Seconds
		if c.LeftOut != "" {
			leftOut++
		}
	}
	if err := os.RemoveAll(results); err != nil {
		return err
	}
	fmt.Printf("%.0f s without what had to be built first\n", sum.Seconds)
	fmt.Printf("%d passed, %d failed, %d skipped\n", sum.Passed, sum.Failed, sum.Skipped)
	switch {
	case sum.Failed > 0:
		return errFailed
	case sum.Passed == 0:
		return errors.New("no test ran")
	case os.Getenv("CI") == "true" && (sum.Skipped > 0 || leftOut > 0):
		return fmt.Errorf("%d tests and %d suites were not run, and CI=true", sum.Skipped, leftOut)
	}
	return nil
}
