package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A command is one of a page, and the lines that the page shows below it.
type command struct {
	text  string
	shown []string
}

var (
	// indentedCommand is a line of an indented block: a program and its arguments, after variables. Lines of YAML, JSON or a log are not like that.
	indentedCommand = regexp.MustCompile(`^    ((?:[A-Z_]+=\S+ )*(?:\./)?[a-z][\w./-]*(?: .*)?)$`)
	// remark is what stands behind a command for those who read.
	remark = regexp.MustCompile(`  +# .*$`)
)

// shells are the names of fenced blocks in which commands would not be told from what they print.
var shells = map[string]bool{"sh": true, "bash": true, "shell": true}

// commandsIn returns the commands of a page: lines with $ in blocks called console, and lines of blocks that are indented. A backslash at
// the end of a line continues it.
func commandsIn(t *testing.T, text string) []command {
	t.Helper()
	var all []command
	block, fenced, continued := "", false, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		add := ""
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fenced, block = !fenced, strings.TrimPrefix(trimmed, "```")
			if fenced && shells[block] {
				t.Errorf("a block is called %s: console with a $ before each command is what is typed", block)
			}
			continue
		case continued:
			last := &all[len(all)-1]
			last.text = strings.TrimSuffix(last.text, "\\") + remark.ReplaceAllString(trimmed, "")
			continued = strings.HasSuffix(last.text, "\\")
			continue
		case fenced && block == "console" && strings.HasPrefix(trimmed, "$ "):
			add = trimmed[2:]
		case fenced && block == "console":
			if len(all) > 0 {
				all[len(all)-1].shown = append(all[len(all)-1].shown, trimmed)
			}
			continue
		case !fenced:
			if m := indentedCommand.FindStringSubmatch(line); m != nil {
				add = m[1]
			}
		}
		if add != "" {
			add = remark.ReplaceAllString(add, "")
			continued = strings.HasSuffix(add, "\\")
			all = append(all, command{text: add})
		}
	}
	return all
}

// shows says whether some line of the output is the one that a page shows, in which … stands for anything.
func shows(output, line string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*")
	return regexp.MustCompile(`(?m)^\s*` + pattern + `\s*$`).MatchString(output)
}

func TestCommandsAreFoundInPages(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []command
	}{
		{"an indented line is a command", "text\n\n    docker ps -a\n", []command{{text: "docker ps -a"}}},
		{"a remark is not typed", "    ctr run a    # or b\n", []command{{text: "ctr run a"}}},
		{"variables may come first", "    GOOS=wasip1 GOARCH=wasm go build .\n", []command{{text: "GOOS=wasip1 GOARCH=wasm go build ."}}},
		{"a program may be named by its path", "    examples/a/run.sh\n\n    ./run b\n", []command{{text: "examples/a/run.sh"}, {text: "./run b"}}},
		{"YAML, JSON, units and logs are none", "    services:\n      image: a\n    {\n    [Service]\n    ExecStart=/bin/a b\n    exec: {command: [a]}\n    time=\"…\" level=a\n    wasmgo: compiling\n", nil},
		{"a block called console has commands and what they print", "```console\n$ make\nmade\n$ ls\n```\n", []command{{"make", []string{"made"}}, {text: "ls"}}},
		{"other blocks have none", "```toml\n    a b\n$ c\n```\n", nil},
		{"a backslash continues a line", "```console\n$ docker run \\\n    -e A=b \\\n    IMAGE\nup\n```\n", []command{{"docker run -e A=b IMAGE", []string{"up"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := commandsIn(t, c.text); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestEveryPageWithCommandsIsTyped finds the page that nobody has put into a list.
func TestEveryPageWithCommandsIsTyped(t *testing.T) {
	listed := map[string]bool{}
	for _, p := range documentedPages {
		listed[p.page] = true
	}
	for page, by := range pagesTypedElsewhere {
		listed[page] = true
		by.mustBe(t, page)
	}
	root := filepath.Join("..", "..")
	pages := []string{"README.md"}
	for _, dir := range []string{"docs", "examples", "deploy"} {
		err := fs.WalkDir(os.DirFS(root), dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && filepath.Ext(path) == ".md" {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages {
		switch all := commandsIn(t, repositoryFile(t, page)); {
		case len(all) > 0 && !listed[page]:
			t.Errorf("%s has commands that no test types, such as %q: put it into documentedPages", page, all[0].text)
		case len(all) == 0 && listed[page]:
			t.Errorf("%s has no command any more", page)
		}
	}
}

// elsewhere is what runs a command that is not typed here: a test, or a file of the repository that has the words.
type elsewhere struct {
	test, file, words string
	when              string // "" if CI runs it
}

func byTest(name string) elsewhere { return elsewhere{test: name} }

func byFile(file, words string) elsewhere { return elsewhere{file: file, words: words} }

// byHand is for what CI lacks the tools or the time for.
func byHand(file, words string) elsewhere {
	return elsewhere{file: file, words: words, when: ", at development time and not in CI"}
}

func (e elsewhere) String() string {
	if e.test != "" {
		return e.test
	}
	return e.file + " (" + e.words + ")" + e.when
}

// mustBe fails the test if what is said to run the command is not there.
func (e elsewhere) mustBe(t *testing.T, command string) {
	t.Helper()
	if e.test != "" && !testExists(t, e.test) || e.test == "" && !strings.Contains(repositoryFile(t, e.file), e.words) {
		t.Errorf("%q is said to be run by %v, which there is not", command, e)
		return
	}
	t.Logf("%s: run by %v", command, e)
}

// commands returns what of the page is to be typed here.
func (p documentedPage) commands(t *testing.T) []command {
	t.Helper()
	var typed []command
	used := map[string]bool{}
	for _, c := range commandsIn(t, repositoryFile(t, p.page)) {
		here := true
		for begin := range p.not {
			if strings.HasPrefix(c.text, begin) {
				here, used[begin] = false, true
			}
		}
		if here {
			typed = append(typed, c)
		}
	}
	for begin, by := range p.not {
		by.mustBe(t, begin)
		if !used[begin] {
			t.Errorf("%s has no command %q any more", p.page, begin)
		}
	}
	return typed
}

// repositoryFile reads a file by its path in the repository.
func repositoryFile(t *testing.T, path string) string {
	t.Helper()
	return readFile(t, filepath.Join("..", "..", path))
}

// testExists says whether some package has the test of that name.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	found := false
	err := fs.WalkDir(os.DirFS(filepath.Join("..", "..")), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || found || e.IsDir() && (path == "build" || strings.HasPrefix(e.Name(), ".git")) {
			if found || e != nil && e.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			found = strings.Contains(repositoryFile(t, path), "\nfunc "+name+"(t *testing.T)")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
