package kubernetes

import (
	"os"
	"strings"
	"sync"
	"testing"
)

// record is what kubectl was asked for.
type record struct {
	mu    sync.Mutex
	lines map[string]bool
}

// add notes a call as a person in the folder of the overlays would have typed it.
func (r *record) add(args []string) {
	var words []string
	for _, a := range args {
		if !strings.HasPrefix(a, "--timeout=") && !strings.HasPrefix(a, "--wait=") {
			words = append(words, strings.TrimPrefix(a, overlay("")))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines == nil {
		r.lines = make(map[string]bool)
	}
	r.lines["kubectl "+strings.Join(words, " ")] = true
}

// has says whether the command, or one with further arguments, has been noted.
func (r *record) has(command string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range r.lines {
		if line == command || strings.HasPrefix(line, command+" ") {
			return true
		}
	}
	return false
}

// typedElsewhere are commands of the page that are run otherwise: by .ci/run, by copyDeploy with paths of its own, and by cases that need a
// terminal or a connection of theirs.
var typedElsewhere = []string{
	"make build",
	"go run ./deploy/pack installer build/bin/containerd-shim-wasmgo-v1 registry.example/wasmgo-installer:1 installer.tar",
	"go run ./deploy/pack web test/guests/component/http_hello/http_hello.wasm test/guests/component/http_get/http_get.wasm registry.example/web:1 web.tar",
	"kubectl exec -it deployment/web -- sh",
	"kubectl port-forward deployment/web 8080:8080",
}

// documented returns the commands of the console blocks of a page.
func documented(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	console := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			console = line == "```console"
		case console && strings.HasPrefix(line, "$ "):
			commands = append(commands, line[2:])
		}
	}
	if len(commands) == 0 {
		t.Fatalf("%s has no commands", page)
	}
	return commands
}
