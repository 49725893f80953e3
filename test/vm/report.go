package vm

import (
	"regexp"
	"strings"
	"testing"
)

// report makes each test that ran in a machine a test of this run: passed, failed with what it wrote, or skipped with its
// reason.
func report(t *testing.T, name string, r result) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		blocks := testBlocks(r.output)
		for _, b := range blocks {
			t.Run(b.name, func(t *testing.T) {
				switch b.verdict {
				case "PASS":
					if n := len(subtest.FindAllString(b.text, -1)); n > 0 {
						t.Logf("%d subtests", n)
					}
				case "SKIP":
					t.Skip(strings.TrimSpace(b.text))
				default:
					t.Error("\n" + b.text)
				}
			})
		}
		if r.status != "0" {
			t.Errorf("ended with status %q\n%s", r.status, r.output)
		}
		if len(blocks) == 0 {
			t.Errorf("no test ran\n%s", r.output)
		}
	})
}

// block is one top-level test in verbose output: its name, its verdict ("" when it did not end) and what was written from its
// beginning to the next one's.
type block struct{ name, verdict, text string }

var (
	beginning = regexp.MustCompile(`^=== RUN   ([^/\s]+)$`)
	subtest   = regexp.MustCompile(`(?m)^ +--- PASS: `)
	verdict   = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): ([^/\s]+) `)
)

// testBlocks finds the top-level tests in the output of a test binary run with -test.v.
func testBlocks(output string) []block {
	var blocks []block
	for line := range strings.Lines(output) {
		if found := beginning.FindStringSubmatch(strings.TrimRight(line, "\n")); found != nil {
			blocks = append(blocks, block{name: found[1]})
			continue
		}
		if len(blocks) == 0 {
			continue
		}
		b := &blocks[len(blocks)-1]
		if found := verdict.FindStringSubmatch(line); found != nil && found[2] == b.name {
			b.verdict = found[1]
			continue
		}
		b.text += line
	}
	return blocks
}
