package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// messagesPage is the page that people search for what they were told.
const messagesPage = "../../docs/troubleshooting.md"

// strings of the programs, without their tests: Go's as they come out, C's as they are written.
func programTexts(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "testdata" {
			if d != nil && d.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		switch {
		case strings.HasSuffix(path, "_test.go"), strings.HasPrefix(path, filepath.Join("..", "doctor")):
		case strings.HasSuffix(path, ".go"):
			for _, s := range literals(t, path, func(*ast.CallExpr) bool { return true }) {
				all.WriteString(s + "\n")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// literals are the strings in a file of Go, those put together of several as one. Of calls only those that wanted says.
func literals(t *testing.T, path string, wanted func(*ast.CallExpr) bool) (out []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var text func(e ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			if e.Kind == token.STRING {
				s, err := strconv.Unquote(e.Value)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
		case *ast.BinaryExpr:
			return text(e.X) + text(e.Y)
		}
		return "\x00" // what varies
	}
	all := wanted(nil)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if !all && wanted(n) {
				for _, a := range n.Args {
					if s := text(a); strings.Trim(s, "\x00") != "" {
						out = append(out, s)
					}
				}
			}
		case *ast.BinaryExpr, *ast.BasicLit:
			if all {
				if s := text(n.(ast.Expr)); strings.Trim(s, "\x00") != "" {
					out = append(out, s)
				}
			}
		}
		return true
	})
	return out
}

// ofOthers are messages on the page that containerd, docker and Wasmtime say, and the kernel's part of one.
var ofOthers = map[string]bool{
	"binary not installed": true, "no matching manifest for": true, "operating system is not supported": true, "unknown image config media type": true,
	"mismatched image rootfs and manifest layers": true, `no runtime for "wasmgo" is configured`: true, "wasm trap: ": true, "no space left on device": true,
}

// TestMessagesOfThePageAreInThePrograms: every part of a message between what varies is a string of the programs.
func TestMessagesOfThePageAreInThePrograms(t *testing.T) {
	page, err := os.ReadFile(messagesPage)
	if err != nil {
		t.Fatal(err)
	}
	texts := programTexts(t)
	_, tables, _ := strings.Cut(string(page), "\n## ") // above them it is about doctor
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(tables, -1)
	if len(rows) < 50 {
		t.Fatalf("%d messages on the page", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row[1]] {
			t.Errorf("%q stands there twice", row[1])
		}
		seen[row[1]] = true
		for part := range strings.SplitSeq(row[1], "…") {
			if ofOthers[part] || len(strings.Trim(part, " :,;()?=")) < 4 {
				continue
			}
			for piece := range strings.SplitSeq(part, ": ") { // what was being done, and what went wrong
				if len(piece) >= 4 && !ofOthers[piece] && !strings.Contains(texts, piece) {
					t.Errorf("%q: %q is in no program", row[1], piece)
				}
			}
		}
	}
}

// TestWhatContainersSayIsOnThePage: the runner's and the shim's words about a module are on the page, by their longest part.
func TestWhatContainersSayIsOnThePage(t *testing.T) {
	page, err := os.ReadFile(messagesPage)
	if err != nil {
		t.Fatal(err)
	}
	said := func(call *ast.CallExpr) bool {
		if call == nil {
			return false
		}
		name, ok := call.Fun.(*ast.Ident)
		return ok && name.Name == "refuse"
	}
	for _, pattern := range []string{"../image/*.go", "../runner/*.go", "../serve/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			for _, s := range literals(t, path, said) {
				longest := ""
				for _, part := range regexp.MustCompile(`%[.0-9]*[a-zA-Z]|\x00`).Split(s, -1) {
					if len(part) > len(longest) {
						longest = part
					}
				}
				if longest = strings.TrimSpace(longest); len(longest) >= 10 && !strings.Contains(string(page), longest) {
					t.Errorf("%s: %q is not on the page", path, longest)
				}
			}
		}
	}
}
