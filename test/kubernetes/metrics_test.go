package kubernetes

import (
	"testing"
)

// startMetrics starts metrics-server, and has the apiserver hand on to it what `kubectl top` asks for.
func (c *cluster) startMetrics(t *testing.T) {
	t.Helper()
	c.Start(t, c.env(), c.answers("https://"+nodeAddress+":4443/livez"), "/usr/local/bin/metrics-server",
		"--kubeconfig=/etc/kubernetes/metrics-server.conf", "--authentication-kubeconfig=/etc/kubernetes/metrics-server.conf", "--authorization-kubeconfig=/etc/kubernetes/metrics-server.conf",
		"--secure-port=4443", "--tls-cert-file="+pki+"metrics.crt", "--tls-private-key-file="+pki+"metrics.key",
		"--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--metric-resolution=10s", "--kubelet-request-timeout=5s")
	for _, o := range []object{
		{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "metrics-server", "namespace": "kube-system"}, "spec": object{
			"ports": []any{object{"port": 443, "targetPort": 4443}},
		}},
		{
			"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
			"metadata":  object{"name": "metrics-server", "namespace": "kube-system", "labels": object{"kubernetes.io/service-name": "metrics-server"}},
			"ports":     []any{object{"port": 4443}},
			"endpoints": []any{object{"addresses": []string{nodeAddress}, "conditions": object{"ready": true}}},
		},
		{"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": object{"name": "v1beta1.metrics.k8s.io"}, "spec": object{
			"service": object{"name": "metrics-server", "namespace": "kube-system"}, "group": "metrics.k8s.io", "version": "v1beta1",
			"insecureSkipTLSVerify": true, "groupPriorityMinimum": 100, "versionPriority": 100,
		}},
	} {
		c.apply(t, o)
	}
}
