package native

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"

	"wasmgo/pkg/bundle"
)

func TestAContainerThatWentWithItsShimIsDeletedOnce(t *testing.T) {
	r := newRig(t, "v3,dies when started")
	r.make(t)
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c"}); err == nil {
		t.Fatal("it has been started")
	}
	c := r.find("c")
	for range 2 { // as two callers do who have both found it
		if answer := r.deleteLost(c); answer.ExitStatus != statusKilled {
			t.Errorf("delete: %v", answer)
		}
	}
	if got, want := r.events.String(), "create start exit delete"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.peer.users != 0 {
		t.Errorf("its shim has %d users", c.peer.users)
	}
}

func TestAShimWhoseConnectionHasEndedIsEnded(t *testing.T) {
	r := newRig(t, "v3")
	r.make(t)
	c := r.find("c")
	if err := c.peer.client.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lostTimeout)
	defer cancel()
	answer, err := r.State(ctx, &taskapi.StateRequest{ID: "c"})
	if err != nil || answer.Status != task.Status_STOPPED {
		t.Fatalf("state: %v, %v", answer, err)
	}
	if _, err := r.Delete(ctx, &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Error(err)
	}
}

func TestNoShimIsStartedAfterTheEnd(t *testing.T) {
	r := newRig(t, "v3")
	r.turn <- struct{}{} // somebody is about to start one
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		r.Close(t.Context())
	}()
	select {
	case <-closed:
		t.Error("the end has not waited for it")
	case <-time.After(50 * time.Millisecond):
	}
	<-r.turn
	<-closed
	if _, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle}); !errors.Is(err, errdefs.ErrUnavailable) {
		t.Errorf("create: %v", err)
	}
}

func TestAContainerIsNotKilledBeforeItIsThere(t *testing.T) {
	r := newRig(t, "v3")
	c := newContainer(r.Service, nil, "c", &bundle.Bundle{Dir: r.bundle})
	killed := make(chan error, 1)
	go func() { killed <- c.kill(t.Context()) }()
	close(c.created) // and it has failed
	if err := <-killed; err != nil {
		t.Error(err)
	}
}

func TestACleanUpEndsThoughSomebodyKeepsItsStderr(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "shim")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nsleep 60 &\necho $! > pid.new && mv pid.new pid\nwait\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- (&record{ID: "c", Program: program, bundle: dir}).cleanUp(ctx, "") }()
	var pid int
	for pid == 0 {
		if text, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
			if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
				t.Fatal(err)
			}
		}
		if t.Context().Err() != nil {
			t.Fatal("it has not begun")
		}
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it has ended well")
		}
	case <-time.After(lostTimeout):
		t.Error("it waits for a process that is not its own")
	}
}
