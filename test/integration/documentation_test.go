package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/test/daemon"
)

// TestInstall is `sudo make install`, into a folder.
func TestInstall(t *testing.T) {
	daemon.NeedRoot(t)
	dir := t.TempDir()
	make := exec.Command("make", "--no-print-directory", "-C", filepath.Join("..", ".."), "install", "DESTDIR="+dir, "PREFIX=/usr")
	make.Env = append(os.Environ(), "MAKEFLAGS=")
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	installed := filepath.Join(dir, "usr", "bin", "containerd-shim-wasmgo-v1")
	if info, err := os.Stat(installed); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%s: %v, %v", installed, info, err)
	}
	if pages, err := filepath.Glob(filepath.Join(dir, "usr", "share", "man", "man1", "*.1")); err != nil || len(pages) == 0 {
		t.Errorf("no manual pages: %v", err)
	}
}

// TestCommandsOfTheDocumentation types what a reader would. A page that gets a command which is neither run here nor by what is named in its
// place fails.
func TestCommandsOfTheDocumentation(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Dockerd(t)
	for _, img := range documentedImages(t) {
		d.Load(t, img)
	}
	for _, p := range documentedPages {
		t.Run(p.page, func(t *testing.T) { p.run(t, d) })
	}
	d.Docker(t, "network", "prune", "--force").Output(t)
}

func (p documentedPage) run(t *testing.T, d *daemon.DockerDaemon) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(examples)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"go.mod", "go.sum"} {
		writeFile(t, filepath.Join(dir, link), []byte(repositoryFile(t, link)))
	}
	for name, content := range p.files {
		writeFile(t, filepath.Join(dir, name), content(t))
	}

	typed := p.commands(t)
	if len(typed) == 0 {
		return // all of them are run elsewhere
	}
	path := filepath.Join(dir, "typed.sh")
	writeFile(t, path, []byte(p.script(typed)))
	got := d.Script(t, "/bin/bash", p.environment(t, dir, d), "-c", `PATH=$TYPED_BIN:$PATH; cd "`+dir+`" && . "`+path+`" 2>&1`).Run(t)
	outputs := strings.Split(got.Stdout, mark)[1:]
	if got.Code != 0 {
		last := "what comes before the commands"
		if len(outputs) > 0 {
			last = typed[len(outputs)-1].text
		}
		t.Errorf("%s\nexit code %d: %s%s", last, got.Code, got.Stdout, got.Stderr)
	}
	for i, out := range outputs {
		for _, line := range typed[i].shown {
			if !shows(out, line) {
				t.Errorf("%s\nprints %q, and not %q as the page shows", typed[i].text, out, line)
			}
		}
	}
	for begin, wants := range p.want {
		var said strings.Builder
		for i, out := range outputs {
			if strings.HasPrefix(typed[i].text, begin) {
				said.WriteString(out)
			}
		}
		mustContain(t, said.String(), wants...)
	}
	if left := strings.Fields(d.Docker(t, "ps", "--all", "--quiet").Output(t)); len(left) > 0 {
		d.Docker(t, append([]string{"rm", "--force"}, left...)...).Output(t)
	}
}

// mark stands between the outputs of two commands.
const mark = "=== command\n"

// terminal is for commands that stay: another window of the reader's, of which there is one. `says WORDS` waits for it to print them.
const terminal = `set -u
other=
says() {
	while read -r line <&9; do
		echo "$line"
		case $line in *"$1"*) return 0 ;; esac
	done
	return 1
}
closed() {
	[ -n "$other" ] || return 0
	echo
	kill "$other" && cat <&9 && exec 9<&- && wait "$other" && other=
}
`

// script is what bash is to do: the commands one after the other until one fails.
func (p documentedPage) script(typed []command) string {
	var script strings.Builder
	script.WriteString(terminal)
	const orFail = " || { echo failed with $?; exit 1; }\n"
	for _, c := range p.before {
		script.WriteString(c + orFail)
	}
	replace := strings.NewReplacer(p.replace...)
	for _, c := range typed {
		script.WriteString("printf '" + mark + "'\n")
		text, words := replace.Replace(c.text), ""
		for begin, w := range p.stays {
			if strings.HasPrefix(c.text, begin) {
				words = w
			}
		}
		if words == "" {
			script.WriteString(text + orFail)
			continue
		}
		fmt.Fprintf(&script, "closed%sexec 9< <(exec %s 2>&1); other=$!\nsays '%s'%s", orFail, text, words, orFail)
	}
	script.WriteString("closed" + orFail)
	return script.String()
}

// environment puts programs onto the PATH by which the page's commands reach the daemons of this test.
func (p documentedPage) environment(t *testing.T, dir string, d *daemon.DockerDaemon) []string {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	ctr := d.Containerd.Ctr(t)
	for name, script := range map[string]string{
		"ctr":                       "exec '" + ctr.Path() + "' " + strings.Join(ctr.Args, " ") + ` "$@"`,
		"sudo":                      `exec "$@"`,
		"containerd-shim-wasmgo-v1": "exec '" + d.Containerd.CLI(t).Path() + `' "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"CONTAINERD_ADDRESS=" + d.Containerd.Address, "TYPED_BIN=" + bin, "HOME=" + os.Getenv("HOME")}
}
