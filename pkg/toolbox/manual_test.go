package toolbox

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of tools into docs/exec.md")

// TestManual: docs/exec.md lists the tools and options there are.
func TestManual(t *testing.T) {
	const file, begin, end = "../../docs/exec.md", "TestManual -update -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the list", file)
	}
	want := string(before) + begin + list() + end + string(after)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is not what there is: go test ./pkg/toolbox -run TestManual -update", file)
	}
}

// list is the table in the manual.
func list() string {
	var b strings.Builder
	b.WriteString("| tool | | options |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`)
	for _, a := range Applets() {
		var options []string
		for _, f := range a.Flags {
			options = append(options, "`"+f.String()+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSpace(a.Name+" "+a.Synopsis), cell.Replace(a.Summary), strings.Join(options, " "))
	}
	return b.String()
}
