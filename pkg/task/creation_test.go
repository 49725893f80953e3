package task

import (
	"context"
	"errors"
	"testing"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// A container whose module is being compiled, or that waits for another to do it, is waited for by nobody who wants to be
// rid of it.
func TestCreationCanBeGivenUp(t *testing.T) {
	for _, tc := range []struct {
		name string
		verb func(ctx context.Context, r *rig) error
		want error
	}{
		{name: "delete, as containerd does for a client that has gone", want: errdefs.ErrNotFound, verb: func(ctx context.Context, r *rig) error {
			_, err := r.Delete(ctx, &taskapi.DeleteRequest{ID: "c"})
			return err
		}},
		{name: "kill by SIGKILL", verb: func(ctx context.Context, r *rig) error {
			_, err := r.Kill(ctx, &taskapi.KillRequest{ID: "c", Signal: uint32(unix.SIGKILL)})
			return err
		}},
		{name: "kill by SIGTERM", verb: func(ctx context.Context, r *rig) error {
			_, err := r.Kill(ctx, &taskapi.KillRequest{ID: "c", Signal: uint32(unix.SIGTERM)})
			return err
		}},
		{name: "the end of the shim", verb: func(ctx context.Context, r *rig) error {
			r.Close(ctx)
			return nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			r.launcher.busy = make(chan string)
			created := make(chan error)
			bundle := newBundle(t)
			go func() {
				_, err := r.Create(context.Background(), &taskapi.CreateTaskRequest{ID: "c", Bundle: bundle})
				created <- err
			}()
			<-r.launcher.busy
			ended := make(chan error)
			go func() { ended <- tc.verb(t.Context(), r) }()
			if err := <-created; !errors.Is(err, errdefs.ErrAborted) {
				t.Errorf("create: %v, want that it was aborted", err)
			}
			if err := <-ended; !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if _, err := r.State(t.Context(), &taskapi.StateRequest{ID: "c"}); !errors.Is(err, errdefs.ErrNotFound) {
				t.Errorf("state: %v, want that it is not there", err)
			}
			if events := r.recorder.take(); len(events) != 0 {
				t.Errorf("announced %v", events)
			}
			if _, err := r.Shutdown(t.Context(), &taskapi.ShutdownRequest{ID: "c"}); err != nil {
				t.Fatal(err)
			}
			<-r.idle
		})
	}
}

func TestASignalThatEndsNothingLeavesTheCreationAlone(t *testing.T) {
	r := newRig(t)
	r.launcher.busy = make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	created := make(chan error)
	bundle := newBundle(t)
	go func() {
		_, err := r.Create(ctx, &taskapi.CreateTaskRequest{ID: "c", Bundle: bundle})
		created <- err
	}()
	<-r.launcher.busy
	if _, err := r.Kill(t.Context(), &taskapi.KillRequest{ID: "c", Signal: uint32(unix.SIGHUP)}); !errors.Is(err, errdefs.ErrNotFound) {
		t.Errorf("got %v, want that there is no such container", err)
	}
	cancel()
	if err := <-created; !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v, want its client's own end", err)
	}
}
