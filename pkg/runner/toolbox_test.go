package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/cases"
)

// toolboxCode is a directory with the toolbox as it is shipped, compiled; made once, and removed by TestMain.
var toolboxCode = sync.OnceValues(func() (string, error) {
	runner, err := build()
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(runner) // which TestMain removes
	module := filepath.Join(dir, "toolbox.wasm")
	if text, err := exec.Command("../../scripts/toolbox", module).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the toolbox: %w\n%s", err, text)
	}
	in, err := os.Open(module)
	if err != nil {
		return "", err
	}
	defer in.Close()
	code := filepath.Join(dir, "toolbox")
	if err := os.Mkdir(code, 0o755); err != nil {
		return "", err
	}
	out, err := os.Create(filepath.Join(code, handover.CodeName))
	if err != nil {
		return "", err
	}
	defer out.Close()
	cmd := exec.Command(runner)
	cmd.Env = []string{"WASMGO_RUNNER=compile"}
	cmd.Stdin, cmd.Stdout = in, out
	return code, cmd.Run()
})

// spawnToolbox starts a runner with the toolbox in the directory dir.
func spawnToolbox(t testing.TB, dir string, args []string, options ...option) *container {
	t.Helper()
	code, err := toolboxCode()
	if err != nil {
		t.Fatal(err)
	}
	options = append([]option{withGuest(func(g *handover.Guest) {
		g.Args, g.Env, g.Cwd, g.Toolbox = args, nil, dir, &handover.Toolbox{}
	})}, options...)
	c := launch(t, code, "toolbox", options...)
	c.receive()
	return c
}

func TestToolbox(t *testing.T) {
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := spawnToolbox(t, cases.Directory(t), c.Line(t), withGuest(func(g *handover.Guest) { g.Env = c.Env }))
			s.begin()
			if _, err := s.stdin.WriteString(c.Stdin); err != nil {
				t.Fatal(err)
			}
			s.stdin.Close()
			code, out := s.wait()
			if complaint := s.stderr.String(); code != c.Code || out != c.Out || !strings.Contains(complaint, c.Err) || c.Err == "" && complaint != "" {
				t.Errorf("%q: exit code %d, output %q and %q; want %d, %q and %q", c.Args, code, out, complaint, c.Code, c.Out, c.Err)
			}
		})
	}
}
