package task

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// border parts a golden's script from its trace.
const border = "----------\n"

// TestEvents plays the scripts in testdata/events. A script is a line for each call, "VERB ARGUMENT", on one container;
// "exit N" is the guest ending, "oom" the kernel killing it, "begin-fails" and "launch-fails" are what they say. The trace
// has what each call answers, and the events it led to. -update rewrites the traces.
func TestEvents(t *testing.T) {
	names, err := filepath.Glob("testdata/events/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			golden, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			script, want, _ := strings.Cut(string(golden), border)
			got := play(t, script)
			if *update {
				if err := os.WriteFile(name, []byte(script+border+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	t.Helper()
	p := &player{rig: newRig(t), dir: newBundle(t)}
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, argument, _ := strings.Cut(line, " ")
		answer, err := p.call(t, verb, argument)
		if err != nil {
			answer = kindOf(err)
		}
		fmt.Fprintf(&out, "%s: %s\n", line, cmp.Or(answer, "ok"))
		for _, e := range p.recorder.take() {
			fmt.Fprintf(&out, "  %s\n", text(e))
		}
	}
	return out.String()
}

// player makes the calls of a script on the container "c".
type player struct {
	*rig
	dir string
}

func (p *player) call(t *testing.T, verb, argument string) (string, error) {
	t.Helper()
	ctx := t.Context()
	switch verb {
	case "launch-fails":
		p.launcher.fails = errFake
		return "", nil
	case "create":
		r, err := p.Create(ctx, &taskapi.CreateTaskRequest{ID: "c", Bundle: p.dir})
		return fmt.Sprintf("pid %d", r.GetPid()), err
	case "start":
		r, err := p.Start(ctx, &taskapi.StartRequest{ID: "c", ExecID: argument})
		return fmt.Sprintf("pid %d", r.GetPid()), err
	case "begin-fails":
		p.launcher.box(t, "c").begins = func() error { return errFake }
		return "", nil
	case "exit-during-start":
		box := p.launcher.box(t, "c")
		status := number(t, argument)
		box.begins = func() error { // it is gone, and known to be, before Begin returns
			box.exit(status)
			p.settle(t, "c")
			return nil
		}
		r, err := p.Start(ctx, &taskapi.StartRequest{ID: "c"})
		return fmt.Sprintf("pid %d", r.GetPid()), err
	case "exit":
		p.launcher.box(t, "c").exit(number(t, argument))
		p.settle(t, "c")
		p.settleExecs(t, "c")
		return "", nil
	case "oom":
		box := p.launcher.box(t, "c")
		box.ooms = 1
		box.exit(137)
		p.settle(t, "c")
		return "", nil
	case "kill", "kill-all":
		_, err := p.Kill(ctx, &taskapi.KillRequest{ID: "c", Signal: uint32(number(t, argument)), All: verb == "kill-all"})
		if box := p.launcher.box(t, "c"); err == nil && box.ended {
			p.settle(t, "c")
		}
		return "", err
	case "wait":
		r, err := p.Wait(ctx, &taskapi.WaitRequest{ID: "c", ExecID: argument})
		return fmt.Sprintf("status %d", r.GetExitStatus()), err
	case "state":
		r, err := p.State(ctx, &taskapi.StateRequest{ID: "c", ExecID: argument})
		return fmt.Sprintf("%s, pid %d, status %d", r.GetStatus(), r.GetPid(), r.GetExitStatus()), err
	case "delete":
		r, err := p.Delete(ctx, &taskapi.DeleteRequest{ID: "c", ExecID: argument})
		return fmt.Sprintf("pid %d, status %d", r.GetPid(), r.GetExitStatus()), err
	case "pause":
		_, err := p.Pause(ctx, &taskapi.PauseRequest{ID: "c"})
		return "", err
	case "resume":
		_, err := p.Resume(ctx, &taskapi.ResumeRequest{ID: "c"})
		return "", err
	case "connect":
		r, err := p.Connect(ctx, &taskapi.ConnectRequest{ID: "c"})
		return fmt.Sprintf("pid %d", r.GetTaskPid()), err
	case "pids":
		r, err := p.Pids(ctx, &taskapi.PidsRequest{ID: "c"})
		return fmt.Sprint(len(r.GetProcesses())), err
	case "exec":
		_, err := p.Exec(ctx, &taskapi.ExecProcessRequest{ID: "c", ExecID: argument, Spec: packProcess(t, &specs.Process{Args: []string{"/other.wasm"}, Cwd: "/"})})
		return "", err
	case "exec-fails":
		p.launcher.box(t, "c").execFails = func(context.Context) error { return errFake }
		return "", nil
	case "exec-begin-fails":
		p.launcher.box(t, "c").execBegins = func() error { return errFake }
		return "", nil
	case "exec-exit": // the exec that was started last
		box := p.launcher.box(t, "c").lastExec(t)
		box.exit(number(t, argument))
		p.settleExecs(t, "c")
		return "", nil
	case "exec-kill":
		id, signal, _ := strings.Cut(argument, " ")
		_, err := p.Kill(ctx, &taskapi.KillRequest{ID: "c", ExecID: id, Signal: uint32(number(t, signal))})
		p.settleExecs(t, "c")
		return "", err
	case "checkpoint":
		_, err := p.Checkpoint(ctx, &taskapi.CheckpointTaskRequest{ID: "c"})
		return "", err
	case "shutdown":
		_, err := p.Shutdown(ctx, &taskapi.ShutdownRequest{ID: "c"})
		return fmt.Sprintf("%d requests to end", len(p.idle)), err
	}
	t.Fatalf("no verb %q", verb)
	return "", nil
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// kindOf names the kind of an error, the part of it that clients act on.
func kindOf(err error) string {
	for _, kind := range []error{
		errdefs.ErrNotFound, errdefs.ErrAlreadyExists, errdefs.ErrFailedPrecondition,
		errdefs.ErrNotImplemented, errdefs.ErrInvalidArgument, errdefs.ErrUnavailable,
	} {
		if errors.Is(err, kind) {
			return "error: " + kind.Error()
		}
	}
	return "error: " + err.Error()
}

// describe prints what of an event is the same in every run.
func describe(e proto.Message) string {
	switch e := e.(type) {
	case *events.TaskCreate:
		return fmt.Sprintf("pid %d", e.Pid)
	case *events.TaskStart:
		return fmt.Sprintf("pid %d", e.Pid)
	case *events.TaskExecAdded:
		return e.ExecID
	case *events.TaskExecStarted:
		return fmt.Sprintf("%s, pid %d", e.ExecID, e.Pid)
	case *events.TaskExit:
		return fmt.Sprintf("id %s, pid %d, status %d", e.ID, e.Pid, e.ExitStatus)
	case *events.TaskDelete:
		return fmt.Sprintf("pid %d, status %d", e.Pid, e.ExitStatus)
	case *events.TaskOOM:
		return e.ContainerID
	case *events.TaskPaused:
		return e.ContainerID
	case *events.TaskResumed:
		return e.ContainerID
	}
	return fmt.Sprintf("%T", e)
}
