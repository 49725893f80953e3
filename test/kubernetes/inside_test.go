package kubernetes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

// insideCases: how a person gets at a pod that runs.
var insideCases = []testCase{
	{"exec runs another module of the container, with input and exit code", func(t *testing.T, c *cluster) {
		c.pod(t, "exec", []string{"/http_tool.wasm"})
		c.ready(t, "exec")
		if got := c.kubectl(t, "exec", "exec", "--", "/args.wasm", "x y", "z"); got != "/args.wasm\nx y\nz" {
			t.Errorf("got %q", got)
		}
		var exit *exec.ExitError
		if _, _, err := c.try(t, "/usr/local/bin/kubectl", "exec", "exec", "--", "/exit_code.wasm", "7"); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Errorf("exit code 7 is %v", err)
		}
		cmd := c.command(t.Context(), "/usr/local/bin/kubectl", "exec", "-i", "exec", "--", "/cat.wasm")
		cmd.Stdin = strings.NewReader("typed\n")
		var out strings.Builder
		cmd.Stdout = &out
		if err := c.Do(cmd.Run); err != nil || out.String() != "typed\n" {
			t.Errorf("exec -i: %q (%v)", &out, err)
		}
	}},
	{"exec -it has a terminal", func(t *testing.T, c *cluster) {
		c.pod(t, "terminal", []string{"/http_tool.wasm"})
		c.ready(t, "terminal")
		text := c.onTerminal(t, "", "/usr/local/bin/kubectl", "exec", "-it", "terminal", "--", "/tty.wasm")
		mustContain(t, text, "stdin tty", "stdout tty")
	}},
	{"a shell in an image that has none", func(t *testing.T, c *cluster) {
		c.pod(t, "shell", []string{"/http_tool.wasm"})
		c.ready(t, "shell")
		if got := c.kubectl(t, "exec", "shell", "--", "sh", "-c", "wget -q -O - http://localhost:8080/early && ls /args.wasm"); got != "early/args.wasm" {
			t.Errorf("got %q", got)
		}
		mustContain(t, c.onTerminal(t, "echo $((6*7))\nexit\n", "/usr/local/bin/kubectl", "exec", "-it", "shell", "--", "sh"), "42")
	}},
	{"attach shows what a guest writes and hands it what is typed", func(t *testing.T, c *cluster) {
		c.pod(t, "attach", []string{"/cat.wasm"}, with("stdin", true), with("stdinOnce", true))
		c.ready(t, "attach")
		cmd := c.command(t.Context(), "/usr/local/bin/kubectl", "attach", "-i", "attach")
		cmd.Stdin = strings.NewReader("to the guest\n")
		var out strings.Builder
		cmd.Stdout = &out
		if err := c.Do(cmd.Run); err != nil {
			t.Error(err)
		}
		mustContain(t, out.String(), "to the guest")
		if got := c.ended(t, "attach"); got != "0 Completed" {
			t.Errorf("when its input has ended: %s", got)
		}
	}},
	{"logs --follow follows, and logs --previous is of the container before", func(t *testing.T, c *cluster) {
		c.pod(t, "again", []string{"/sleep.wasm", "2000"}, withSpec("restartPolicy", "Always"))
		if got := c.kubectl(t, "logs", "--follow", "--pod-running-timeout=30s", "again"); got != "sleeping\nslept" && got != "sleeping" {
			t.Errorf("followed: %q", got)
		}
		c.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=90s", "pod/again")
		daemon.Within(t, time.Minute, func() error { // kubelet keeps one, and that one may be going just now
			stdout, _, err := c.try(t, "/usr/local/bin/kubectl", "logs", "--previous", "again")
			if err == nil && stdout != "sleeping\nslept\n" {
				err = fmt.Errorf("the container before has said %q", stdout)
			}
			return err
		})
	}},
	{"port-forward reaches a component that serves HTTP", func(t *testing.T, c *cluster) {
		c.pod(t, "forward", []string{"/http_tool.wasm"})
		c.ready(t, "forward")
		ctx, cancel := context.WithCancel(t.Context())
		cmd := c.command(ctx, "/usr/local/bin/kubectl", "port-forward", "pod/forward", ":8080")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Do(cmd.Start); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // ended by us
		line, err := bufio.NewReader(stdout).ReadString('\n')
		_, address, _ := strings.Cut(line, "from ")
		address, _, ok := strings.Cut(address, " ")
		if !ok {
			t.Fatalf("port-forward says %q (%v)", line, err)
		}
		for range 5 {
			if body, err := get(c.client(), "http://"+address+"/early"); err != nil || body != "early" {
				t.Errorf("got %q (%v)", body, err)
			}
		}
	}},
	{"debug adds a container of another image to a pod", func(t *testing.T, c *cluster) {
		c.pod(t, "debugged", []string{"/http_tool.wasm"})
		c.ready(t, "debugged")
		c.kubectl(t, "debug", "debugged", "--image="+podImage, "--container=look", "--profile=general", "--", "/http_get.wasm", "http://localhost:8080/early")
		c.kubectl(t, "wait", "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated}", "--timeout=90s", "pod/debugged")
		if got := c.logs(t, "debugged", "-c", "look"); got != "200\nearly" {
			t.Errorf("got %q", got)
		}
	}},
	{"a pod's resources are changed while it runs", func(t *testing.T, c *cluster) {
		sizes := func(memory string) object {
			return object{"requests": object{"cpu": "50m", "memory": "32Mi"}, "limits": object{"cpu": "500m", "memory": memory}}
		}
		c.pod(t, "resized", []string{"/http_tool.wasm"}, with("resources", sizes("64Mi")))
		c.ready(t, "resized")
		before := c.get(t, "pod/resized", "{.status.containerStatuses[0].containerID}")
		c.kubectl(t, "patch", "pod", "resized", "--subresource=resize", "--patch",
			`{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":"800m","memory":"96Mi"}}}]}}`)
		c.until(t, 90*time.Second, "pod/resized", "{.status.containerStatuses[0].resources.limits}", `{"cpu":"800m","memory":"96Mi"}`)
		_, id, _ := strings.Cut(before, "//")
		if got := strings.TrimSpace(c.groupFile(t, id, "memory.limit_in_bytes")); got != "100663296" {
			t.Errorf("the group's limit is %s", got)
		}
		if after := c.get(t, "pod/resized", "{.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}"); after != before+" 0" {
			t.Errorf("it was started again: %s, before %s", after, before)
		}
	}},
	{"describe tells what happened to a pod", func(t *testing.T, c *cluster) {
		c.pod(t, "described", []string{"/http_tool.wasm"})
		c.ready(t, "described")
		mustContain(t, c.kubectl(t, "describe", "pod", "described"), "Scheduled", "Pulled", "Created", "Started", "wasmgo", "io.containerd.wasmgo/installed=true")
	}},
	{"top shows what pods and the node take", func(t *testing.T, c *cluster) {
		c.pod(t, "topped", []string{"/http_tool.wasm"})
		c.ready(t, "topped")
		daemon.Within(t, 90*time.Second, func() error {
			_, stderr, err := c.try(t, "/usr/local/bin/kubectl", "top", "pod", "topped")
			if err != nil {
				return errors.New(stderr)
			}
			return nil
		})
		text := c.kubectl(t, "top", "pod", "topped", "--containers", "--no-headers")
		if words := strings.Fields(text); len(words) != 4 || words[1] != "main" || words[3] == "0Mi" {
			t.Errorf("got %q", text)
		}
		t.Log(text, c.kubectl(t, "top", "node"))
	}},
}

// command prepares a command in the machine.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = c.env()
	return cmd
}

// onTerminal runs a command on a terminal, types, and returns what the terminal shows in the end.
func (c *cluster) onTerminal(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	terminal, slave := newTerminal(t)
	defer terminal.Close()
	cmd := c.command(t.Context(), name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	err := c.Do(cmd.Start)
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(terminal, input); err != nil {
		t.Error(err)
	}
	shown, _ := io.ReadAll(terminal) // EIO when the last one with the terminal open has ended
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s %v: %v", name, args, err)
	}
	return string(shown)
}

// newTerminal returns both ends of a new terminal.
func newTerminal(t *testing.T) (terminal, slave *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return terminal, slave
}
