package sandbox

import (
	"io"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestTerminal(t *testing.T) {
	devpts := []specs.Mount{{Type: "devpts", Source: "devpts", Destination: "/dev/pts", Options: []string{"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}}}
	for name, c := range map[string]struct {
		mounts []specs.Mount
		held   bool
		dev    string
	}{
		"of the container's own":       {devpts, false, "console full null ptmx pts random tty urandom zero"},
		"of the host's":                {nil, false, "console full null random tty urandom zero"},
		"of the container's own, held": {devpts, true, "console full null ptmx pts random tty urandom zero"},
		"of the host's, held":          {nil, true, "console full null random tty urandom zero"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "tty", "ls /dev", "write /dev/console console\n", "stat /dev/console")
			b.Terminal = true
			b.Spec.Process.Terminal = true
			b.Spec.Process.User.UID = 1000
			b.Spec.Process.ConsoleSize = &specs.Box{Height: 33, Width: 77}
			b.Spec.Mounts = c.mounts
			if c.held {
				b.Spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
			}
			p := b.start(t)
			console := p.Console()
			if console == nil {
				t.Fatal("no console")
			}
			defer console.Close()
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			// Reading ends with EIO when the last of the container has closed its side.
			got, err := io.ReadAll(console)
			if err == nil {
				t.Error("the console ended without the error that a terminal ends with")
			}
			want := "tty 33 77\r\n" + c.dev + " \r\nconsole\r\n/dev/console Dcrw"
			if !strings.HasPrefix(string(got), want) || !strings.Contains(string(got), " 1000 ") {
				t.Errorf("got %q, want %q", got, want)
			}
			if exit := p.Wait(); exit.Status != 0 {
				t.Errorf("got %+v", exit)
			}
		})
	}
}
