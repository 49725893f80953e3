package task

import (
	"errors"
	"testing"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// TestEvict ends the containers of a pod, and those alone; one that cannot be killed keeps none of the others alive.
func TestEvict(t *testing.T) {
	r := newRig(t)
	boxes := map[string]*fakeSandbox{}
	for id, pod := range map[string]string{"a": "p", "b": "p", "c": "p", "d": "p", "e": "p", "stubborn": "p", "other": "q"} {
		boxes[id] = r.run(t, id)
		c, err := r.find(id)
		if err != nil {
			t.Fatal(err)
		}
		c.pod = pod
	}
	boxes["stubborn"].kills = errFake
	if err := r.Evict(t.Context(), "p"); !errors.Is(err, errFake) {
		t.Errorf("got %v", err)
	}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		r.settle(t, id)
	}
	boxes["stubborn"].kills = nil
	if err := r.Evict(t.Context(), "p"); err != nil {
		t.Errorf("again: %v", err)
	}
	if state, err := r.State(t.Context(), &taskapi.StateRequest{ID: "stubborn"}); err != nil || state.ExitStatus != 137 {
		t.Errorf("after it: %v, %v", state, err)
	}
	boxes["other"].mu.Lock()
	defer boxes["other"].mu.Unlock()
	if boxes["other"].ended {
		t.Error("a container of another pod has been ended")
	}
}
