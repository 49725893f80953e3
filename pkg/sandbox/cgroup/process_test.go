package cgroup

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// process is a child of the test that lives in a group.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	done bool
}

// shell runs a shell script in the group; it starts when it is in it. args are $0, $1 and so on.
func shell(t testing.TB, g *Group, script string, args ...string) *process {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", "read go; " + script}, args...)...)
	// The script's children go with it when the test ends early.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.done {
			return
		}
		_ = g.Thaw(t.Context())
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	if err := g.Add(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	p.say("go")
	return p
}

// say writes a line to the script.
func (p *process) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// await reads the script's next line.
func (p *process) await(want string) {
	p.t.Helper()
	got, err := p.out.ReadString('\n')
	if strings.TrimSpace(got) != want {
		p.t.Fatalf("the script wrote %q (%v), want %q", got, err, want)
	}
}

// wait returns how the script ended.
func (p *process) wait() syscall.WaitStatus {
	p.t.Helper()
	_ = p.cmd.Wait()
	p.done = true
	return p.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func ptr[T any](v T) *T { return &v }
