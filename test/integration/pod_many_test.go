package integration

import (
	"sync"
	"testing"
)

var podManyCases = []podCase{
	{"a pod of 20 containers", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		all := make([]*podContainer, 20)
		for i := range all {
			all[i] = p.create(t, []string{"/idle.wasm"})
		}
		var group sync.WaitGroup
		for _, c := range all {
			group.Go(func() {
				if r := e.Crictl(t, "start", c.id).Run(t); r.Code != 0 {
					t.Errorf("start: %s", r.Stderr)
				}
			})
		}
		group.Wait()
		shims := map[string]bool{}
		for _, c := range all {
			shims[parent(t, c.pid(t))] = true
		}
		if len(shims) != 1 {
			t.Errorf("their shims are %v", shims)
		}
		if code, stdout, _ := p.run(t, []string{"/args.wasm", "one more"}); code != 0 || stdout != "/args.wasm\none more\n" {
			t.Errorf("one more: exit code %d, %q", code, stdout)
		}
	}},
	{"30 pods that come and go at a time leave nothing", func(t *testing.T, e podEnv) {
		var group sync.WaitGroup
		for range 30 {
			// The pod's own removal and the search for what is left are the test's cleanup: of its pod only.
			group.Go(func() {
				t.Run("pod", func(t *testing.T) {
					p := e.pod(t)
					c := p.start(t, []string{"/idle.wasm"})
					if s, _ := c.status(t); s.State != "CONTAINER_RUNNING" {
						t.Errorf("got %+v", s)
					}
				})
			})
		}
		group.Wait()
	}},
}
