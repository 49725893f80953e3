package integration

import (
	"strings"
	"testing"
)

var podShapeCases = []podCase{
	{"images of every shape", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		for _, s := range shapes(t) {
			if s.image.Index {
				continue // CRI finds nothing for its own platform in one
			}
			e.Import(t, s.image)
			code, stdout, stderr := p.run(t, s.args, func(o object) { with(o, s.image.Name, "image", "image") })
			if code != 0 || strings.TrimSuffix(stdout, "\n") != s.want {
				t.Errorf("%s: exit code %d, %q, want %q: %s", s.name, code, stdout, s.want, stderr)
			}
		}
	}},
}
