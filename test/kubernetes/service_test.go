package kubernetes

import (
	"testing"
)

var serviceCases = []testCase{
	{"a Deployment of a component becomes ready, by a probe over HTTP and one by exec, and its Service answers", func(t *testing.T, c *cluster) {
		c.kubectl(t, "apply", "-k", overlay("web"))
		c.kubectl(t, "rollout", "status", "--timeout=60s", "deployment/web")
		if body, err := get(c.client(), "http://"+c.get(t, "service/web", "{.spec.clusterIP}")); err != nil || body != "hello from a component\n" {
			t.Errorf("the service answers %q (%v)", body, err)
		}
	}},
}
