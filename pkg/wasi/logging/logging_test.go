package logging

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		level            Level
		context, message string
		want             string
	}{
		"a message":                   {Info, "web", "started", "INFO web: started\n"},
		"without a context":           {Warn, "", "started", "WARN started\n"},
		"with its own end of line":    {Error, "web", "started\n", "ERROR web: started\n"},
		"of several lines":            {Trace, "web", "one\ntwo\n\nthree", "TRACE web: one\n    two\n    \n    three\n"},
		"that looks like another one": {Debug, "web", "x\nCRITICAL web: y", "DEBUG web: x\n    CRITICAL web: y\n"},
		"a context that does":         {Debug, "web\nCRITICAL web", "y", "DEBUG web\n    CRITICAL web: y\n"},
		"of nothing":                  {Critical, "", "", "CRITICAL \n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(line(c.level, c.context, c.message)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	for name, want := range map[string]Level{"": Trace, "trace": Trace, "info": Info, "critical": Critical} {
		if got, ok := ParseLevel(name); !ok || got != want {
			t.Errorf("%q is %v", name, got)
		}
	}
	if _, ok := ParseLevel("Info"); ok {
		t.Error("Info is a level")
	}
}

// FuzzLine: whatever a guest logs, only the first line begins as a message does.
func FuzzLine(f *testing.F) {
	f.Add("web", "one\ntwo")
	f.Add("a\nb", "\n\n")
	f.Fuzz(func(t *testing.T, context, message string) {
		got := string(line(Info, context, message))
		if !strings.HasPrefix(got, "INFO ") || !strings.HasSuffix(got, "\n") {
			t.Fatalf("%q", got)
		}
		for _, l := range strings.Split(strings.TrimSuffix(got, "\n"), "\n")[1:] {
			if !strings.HasPrefix(l, "    ") {
				t.Errorf("%q has a line %q", got, l)
			}
		}
	})
}
