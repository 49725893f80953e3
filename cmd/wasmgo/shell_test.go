package main

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra/doc"
)

func TestCompletionScripts(t *testing.T) {
	writeSettings(t, "no TOML")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			code, out := runCommand(t, "completion", shell)
			if code != exitOK || !strings.Contains(out, "containerd-shim-wasmgo-v1 __complete") && !strings.Contains(out, "__complete") {
				t.Fatalf("exit code %d, output:\n%s", code, out)
			}
			path, err := exec.LookPath(shell)
			if err != nil {
				return // whether a shell that is not installed reads it cannot be tried; bash, which scripts/lint needs, always is
			}
			file := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), path, "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%s does not read it: %v: %s", shell, err, out)
			}
		})
	}
}

func TestCompletions(t *testing.T) {
	writeSettings(t, "no TOML")
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"commands", []string{""}, []string{"cache", "completion", "config", "doctor", "image", "precompile"}},
		{"commands of a group", []string{"config", ""}, []string{"default", "show"}},
		{"flags", []string{"cache", "prune", "--k"}, []string{"--keep"}},
		{"values", []string{"doctor", "--for", "k"}, []string{"kubernetes"}},
		{"shapes", []string{"image", "build", "--shape", ""}, []string{"T", "L", "A"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out := runCommand(t, append([]string{"__completeNoDesc"}, tt.args...)...)
			lines := strings.Split(out, "\n")
			if code != exitOK {
				t.Fatalf("exit code %d, output:\n%s", code, out)
			}
			for _, want := range tt.want {
				if !slices.Contains(lines, want) {
					t.Errorf("%s is not among\n%s", want, out)
				}
			}
		})
	}
}

var update = flag.Bool("update", false, "write the man pages into docs/man")

// manDate is in the header of man pages. A date of the day would make them stale every month.
var manDate = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// TestManPagesAreCurrent compares docs/man with the commands; -update (make man) writes it.
func TestManPagesAreCurrent(t *testing.T) {
	for _, name := range []string{"CONTAINERD_ADDRESS", "CONTAINERD_NAMESPACE", "DOCKER_HOST"} {
		t.Setenv(name, "")
	}
	root, _ := newRoot("containerd-shim-wasmgo-v1")
	root.DisableAutoGenTag = true
	made := t.TempDir()
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "wasmgo", Manual: "wasmgo", Date: &manDate}, made); err != nil {
		t.Fatal(err)
	}
	const kept = "../../docs/man"
	want, have := pages(t, made), pages(t, kept)
	if maps.EqualFunc(want, have, bytes.Equal) {
		return
	}
	if !*update {
		t.Fatal("docs/man is not what the commands say: make man")
	}
	if err := errors.Join(os.RemoveAll(kept), os.MkdirAll(kept, 0o755)); err != nil {
		t.Fatal(err)
	}
	for name, page := range want {
		if err := os.WriteFile(filepath.Join(kept, name), page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pages are the files of a directory, none if there is no such directory.
func pages(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(path)] = page
	}
	return out
}
