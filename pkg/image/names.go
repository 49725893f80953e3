package image

import (
	"path"
	"strings"
)

// Name is one way to read args[0]: a path in the container, absolute and clean, and the export asked for.
type Name struct {
	Path, Export string
}

// Naming is the part of p that names the module: the first argument, PATH, the working directory.
func (p Process) Naming() Process {
	out := Process{Cwd: p.Cwd, Args: p.Args[:min(len(p.Args), 1)]}
	for _, kv := range p.Env {
		if strings.HasPrefix(kv, "PATH=") {
			out.Env = []string{kv} // the last one counts
		}
	}
	return out
}

// Names lists the ways to read p.Args[0], in the order in which Find tries them, for those who look a module up in something
// that is no file system: a list of titled layers. There are no symbolic links in a list, so paths are made clean.
func Names(p Process) []Name {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return nil
	}
	var out []Name
	for _, e := range entries(p.Args[0]) {
		places := []string{within(p.Cwd, e.file)}
		if !strings.Contains(e.file, "/") {
			places = places[:0]
			for _, dir := range searchPath(p) {
				places = append(places, within(dir, e.file))
			}
		}
		for _, place := range places {
			out = append(out, Name{Path: path.Clean("/" + place), Export: e.export})
		}
	}
	return out
}

// FreeExport is the export that arg asks for where its file's name means nothing, because there is only one module: what
// follows the first '#'.
func FreeExport(arg string) string {
	_, export, _ := strings.Cut(arg, "#")
	return export
}
