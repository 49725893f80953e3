package image

import (
	"path"
	"slices"
	"strings"

	"wasmgo/pkg/handover"
)

// Tool reports whether arg, of which there is no file, is a program of the toolbox: a plain name, or one in a directory where programs are looked for
// everywhere, as in "/bin/sh -c".
func Tool(arg string) bool {
	dir, name := path.Split(arg)
	standard := slices.Contains(strings.Split(DefaultPath, ":"), strings.TrimSuffix(dir, "/"))
	return slices.Contains(handover.Tools, name) && (dir == "" || standard)
}
