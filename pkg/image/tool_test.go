package image

import "testing"

func TestTool(t *testing.T) {
	for _, c := range []struct {
		name, arg string
		want      bool
	}{
		{"a plain name", "ls", true},
		{"a shell by its path", "/bin/sh", true},
		{"in another directory of the usual ones", "/usr/local/bin/cat", true},
		{"a directory that is no usual one", "/opt/bin/ls", false},
		{"relative to the working directory", "./ls", false},
		{"below the working directory", "bin/ls", false},
		{"the root directory", "/ls", false},
		{"no tool", "bash", false},
		{"with an export", "ls#main", false},
		{"a module of such a name", "sh.wasm", false},
		{"a directory", "/bin/", false},
		{"a way round", "/bin/../bin/sh", false},
		{"nothing", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Tool(c.arg); got != c.want {
				t.Errorf("Tool(%q) = %v, want %v", c.arg, got, c.want)
			}
		})
	}
}
