package kubernetes

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

// serviceCases are about deploy/'s samples. The Deployment of the first stays for those that follow.
var serviceCases = []testCase{
	{"a Deployment of a component becomes ready, by a probe over HTTP and one by exec, and its Service answers", func(t *testing.T, c *cluster) {
		c.kubectl(t, "apply", "-k", overlay("web"))
		c.kubectl(t, "rollout", "status", "--timeout=90s", "deployment/web")
		c.mustAnswer(t)
	}},
	{"a person looks at the Deployment as docs/kubernetes.md says", func(t *testing.T, c *cluster) {
		mustContain(t, c.kubectl(t, "logs", "deployment/web"), "wasmgo: /web.wasm answers HTTP at [::]:8080")
		if got := c.kubectl(t, "exec", "deployment/web", "--", "/check.wasm", "http://localhost:8080/"); got != "200\nhello from a component" {
			t.Errorf("exec: %q", got)
		}
		const of = "app.kubernetes.io/name=web"
		mustContain(t, c.kubectl(t, "describe", "pods", "-l", of), "http-timeout: 10s", "exec [/check.wasm http://localhost:8080/]")
		daemon.Within(t, time.Minute, func() error {
			_, stderr, err := c.try(t, "/usr/local/bin/kubectl", "top", "pods", "-l", of)
			if err != nil {
				return errors.New(stderr)
			}
			return nil
		})
		mustContain(t, c.kubectl(t, "top", "pods", "-l", of), "web-")
	}},
	{"a probe by exec that fails has the container started again", func(t *testing.T, c *cluster) {
		c.pod(t, "probed", []string{"/http_tool.wasm"}, withSpec("restartPolicy", "Always"), with("livenessProbe", object{
			"exec": object{"command": []string{"/exit_code.wasm", "7"}}, "periodSeconds": 1, "failureThreshold": 2,
		}))
		c.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=90s", "pod/probed")
		mustContain(t, c.kubectl(t, "describe", "pod", "probed"), "Liveness probe failed", "will be restarted")
	}},
	{"a rolling update loses no request", func(t *testing.T, c *cluster) {
		load := c.load4(t)
		before := c.get(t, "pods", `{.items[?(@.metadata.labels.app\.kubernetes\.io/name=="web")].metadata.name}`)
		c.kubectl(t, "set", "env", "deployment/web", "RELEASE=2")
		c.kubectl(t, "rollout", "status", "--timeout=90s", "deployment/web")
		for _, name := range strings.Fields(before) {
			c.kubectl(t, "wait", "--for=delete", "--timeout=90s", "pod/"+name)
		}
		load.mustHaveAnswers(t, 100)
	}},
	{"native containers run beside a component: one before it, and one for as long as it runs", func(t *testing.T, c *cluster) {
		c.kubectl(t, "apply", "-k", overlay("sidecar"))
		t.Cleanup(func() { c.remove(t, "pod/sidecar") })
		c.ready(t, "sidecar")
		daemon.Within(t, time.Minute, func() error {
			if text := c.kubectl(t, "logs", "sidecar", "-c", "watch"); !strings.Contains(text, "hello from a component") {
				return fmt.Errorf("the sidecar says %q", text)
			}
			return nil
		})
		if got := c.kubectl(t, "exec", "sidecar", "-c", "watch", "--", "cat", "/shared/state"); got != "prepared" {
			t.Errorf("the init container left %q", got)
		}
		if got := c.kubectl(t, "exec", "sidecar", "-c", "web", "--", "/check.wasm", "http://localhost:8080/"); got != "200\nhello from a component" {
			t.Errorf("exec in the component's container: %q", got)
		}
	}},
}

// mustAnswer asks the Service of the sample from the node, once kube-proxy knows its pods.
func (c *cluster) mustAnswer(t *testing.T) {
	t.Helper()
	url := "http://" + c.get(t, "service/web", "{.spec.clusterIP}")
	daemon.Within(t, time.Minute, func() error {
		body, err := get(c.client(), url)
		if err == nil && body != "hello from a component\n" {
			err = fmt.Errorf("it answers %q", body)
		}
		return err
	})
}

// load is clients that ask the sample's Service all the time, each request on a connection of its own.
type load struct {
	stop chan struct{}
	once sync.Once // closes stop
	done sync.WaitGroup

	mu      sync.Mutex
	answers int
	errs    []error
}

// load4 starts four clients, who rest for 20 ms after each answer.
func (c *cluster) load4(t *testing.T) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	url := "http://" + c.get(t, "service/web", "{.spec.clusterIP}")
	for range 4 {
		l.done.Go(func() {
			client := c.client()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-l.stop:
					return
				case <-tick.C:
					l.add(get(client, url))
				}
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) add(_ string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers++
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// end stops the clients, and returns when they have gone.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

// mustHaveAnswers ends the load: all requests have to have been answered, and as many as least.
func (l *load) mustHaveAnswers(t *testing.T, least int) {
	t.Helper()
	l.end()
	if len(l.errs) > 0 || l.answers < least {
		t.Errorf("%d requests, of which these failed: %v", l.answers, errors.Join(l.errs...))
	}
	t.Logf("%d requests", l.answers)
}
