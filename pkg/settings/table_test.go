package settings

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reference into docs/settings.md")

func TestRowsMakeSense(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, s := range Table() {
		t.Run(s.Name, func(t *testing.T) {
			if !name.MatchString(s.Name) || s.Doc == "" || !strings.HasSuffix(s.Doc, ".") || strings.Contains(s.Doc, "\n") || s.Heading == "" || s.Where == 0 {
				t.Errorf("%+v", s)
			}
			if (s.Default == "") == (s.Otherwise == "") {
				t.Error("either a default, or what holds otherwise")
			}
			if !s.family {
				if _, err := s.read(s.value()); err != nil {
					t.Errorf("its own value is refused: %v", err)
				}
			}
			operators, containers := s.Where&Operators != 0, s.Where&^Operators != 0
			if got := map[bool]bool{true: operators && !containers, false: containers}[s.Rule == Operator]; !got || s.Rule == Own && operators {
				t.Errorf("the rule does not go with the places: %s", s.Where)
			}
		})
	}
}

// TestDefaultFileIsRead: with its comment signs taken away every line is a good setting.
func TestDefaultFileIsRead(t *testing.T) {
	var b bytes.Buffer
	if err := PrintDefault(&b); err != nil {
		t.Fatal(err)
	}
	if said, err := parseTOML(b.Bytes(), File, "x"); err != nil || len(said) != 0 {
		t.Errorf("as printed: %v, %v", said, err)
	}
	bare := regexp.MustCompile(`(?m)^#([^ #])`).ReplaceAll(b.Bytes(), []byte("$1"))
	said, err := parseTOML(bare, File, "x")
	if err != nil {
		t.Fatalf("%v\n%s", err, bare)
	}
	named := map[string]bool{}
	for _, s := range said {
		named[s.Setting.Name] = true
	}
	for _, s := range Table() {
		if s.Where&File != 0 && !named[s.Name] {
			t.Errorf("%s is not in it", s.Name)
		}
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 130 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
}

// The reference stands between these lines of docs/settings.md.
const (
	page  = "../../docs/settings.md"
	begin = "<!-- generated from pkg/settings: go test ./pkg/settings -update -->\n\n"
	end   = "\n<!-- end -->\n"
)

func TestReferenceIsCurrent(t *testing.T) {
	var b bytes.Buffer
	if err := PrintReference(&b); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the lines %q and %q", page, begin, end)
	}
	if old == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the table says: go test ./pkg/settings -update", page)
	}
	if err := os.WriteFile(page, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
