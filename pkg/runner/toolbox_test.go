package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/cases"
)

// toolboxModule is the toolbox as it is shipped, built once.
var toolboxModule = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "wasmgo-toolbox-test")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "toolbox.wasm")
	cmd := exec.Command("../../scripts/toolbox", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// spawnToolbox starts a runner with the toolbox in the directory dir.
func spawnToolbox(t testing.TB, dir string, args []string, options ...option) *container {
	t.Helper()
	module, err := toolboxModule()
	if err != nil {
		t.Fatalf("build the toolbox: %v", err)
	}
	options = append([]option{withGuest(func(g *handover.Guest) {
		g.Args, g.Env, g.Cwd, g.Toolbox = args, nil, dir, &handover.Toolbox{}
	})}, options...)
	c := launch(t, codeDir(t, module), "toolbox", options...)
	c.receive()
	return c
}

func TestToolbox(t *testing.T) {
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			s := spawnToolbox(t, cases.Directory(t), c.Args, withGuest(func(g *handover.Guest) { g.Env = c.Env }))
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
