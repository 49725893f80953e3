package kubernetes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

const (
	nodeAddress  = "192.0.2.10"
	serviceRange = "10.96.0.0/16"
	firstService = "10.96.0.1" // the apiserver's own
	pki          = "/etc/kubernetes/pki/"
)

// cluster is a control plane and its only node.
type cluster struct {
	*machine

	authority *authority
	kubelet   *daemon.Process
	typed     record
}

// newCluster starts all of it, and returns when the node is ready.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{machine: newMachine(t)}
	c.installTools(t)
	c.makeCertificates(t)
	c.startContainerd(t)
	c.startControlPlane(t)
	c.startKubelet(t)
	c.startProxy(t)
	c.kubectl(t, "wait", "--for=condition=Ready", "--timeout=90s", "node/"+nodeName)
	return c
}

// installTools puts links to the pinned programs where an administrator would have put the programs.
func (c *cluster) installTools(t *testing.T) {
	t.Helper()
	for _, link := range []struct{ tool, dir string }{
		{daemon.Containerd2, "/usr/local/bin"},
		{daemon.Runc, "/usr/local/bin"},
		{daemon.Kubernetes, "/usr/local/bin"},
		{daemon.MetricsServer, "/usr/local/bin"},
		{daemon.CNIPlugins, "/opt/cni/bin"},
	} {
		files, err := filepath.Glob(filepath.Join(daemon.Tool(t, link.tool), "[a-z]*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no programs (%v)", link.tool, err)
		}
		c.run(t, "mkdir", "-p", link.dir)
		for _, f := range files {
			c.run(t, "ln", "-s", filepath.Join("/tools", link.tool, filepath.Base(f)), link.dir)
		}
	}
}

func (c *cluster) makeCertificates(t *testing.T) {
	t.Helper()
	c.run(t, "mkdir", "-p", pki)
	a := newAuthority(t, c.path(pki))
	c.authority = a
	a.server(t, "apiserver", "127.0.0.1", nodeAddress, firstService, "kubernetes.default.svc")
	a.server(t, "metrics", nodeAddress)
	a.client(t, "apiserver-kubelet", "apiserver-kubelet", "system:masters")
	a.client(t, "front-proxy", "front-proxy")
	a.issueAccountKey(t)
	for _, u := range []struct{ name, user, group string }{
		{"admin", "admin", "system:masters"},
		{"controller-manager", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
		{"kubelet", "system:node:" + nodeName, "system:nodes"},
		{"proxy", "system:kube-proxy", "system:node-proxier"},
		{"metrics-server", "metrics-server", "system:masters"},
	} {
		a.client(t, u.name, u.user, u.group)
		c.write(t, "/etc/kubernetes/"+u.name+".conf", fmt.Sprintf(kubeconfig, pki, u.name))
	}
}

// kubeconfig is what a client of the apiserver reads.
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: %[1]sca.crt}}]
users: [{name: u, user: {client-certificate: %[1]s%[2]s.crt, client-key: %[1]s%[2]s.key}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`

func (c *cluster) startControlPlane(t *testing.T) {
	t.Helper()
	start := func(ping func() error, path string, args ...string) *daemon.Process {
		t.Helper()
		return c.Start(t, c.env(), ping, path, args...)
	}
	start(c.answers("http://127.0.0.1:2381/health"), filepath.Join("/tools", daemon.Etcd, "server"),
		"--data-dir=/dev/shm/etcd", "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380", "--listen-metrics-urls=http://127.0.0.1:2381", "--unsafe-no-fsync", "--log-level=warn")
	start(c.answers("https://127.0.0.1:6443/readyz"), "/usr/local/bin/kube-apiserver",
		"--etcd-servers=http://127.0.0.1:2379", "--advertise-address="+nodeAddress, "--service-cluster-ip-range="+serviceRange,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--client-ca-file="+pki+"ca.crt", "--tls-cert-file="+pki+"apiserver.crt", "--tls-private-key-file="+pki+"apiserver.key",
		"--kubelet-client-certificate="+pki+"apiserver-kubelet.crt", "--kubelet-client-key="+pki+"apiserver-kubelet.key",
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+pki+"accounts.pub", "--service-account-signing-key-file="+pki+"accounts.key",
		"--requestheader-client-ca-file="+pki+"ca.crt", "--requestheader-allowed-names=front-proxy", "--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+pki+"front-proxy.crt", "--proxy-client-key-file="+pki+"front-proxy.key")
	start(c.answers("https://127.0.0.1:10259/healthz"), "/usr/local/bin/kube-scheduler",
		"--kubeconfig=/etc/kubernetes/scheduler.conf", "--leader-elect=false", "--bind-address=127.0.0.1")
	start(c.answers("https://127.0.0.1:10257/healthz"), "/usr/local/bin/kube-controller-manager",
		"--kubeconfig=/etc/kubernetes/controller-manager.conf", "--leader-elect=false", "--bind-address=127.0.0.1", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+pki+"accounts.key", "--root-ca-file="+pki+"ca.crt")
}

// answers returns a ping for a server in the machine that says 200.
func (c *cluster) answers(url string) func() error {
	client := c.client()
	return func() error {
		_, err := get(client, url)
		return err
	}
}

// client makes an HTTP client in the machine's network that takes any certificate, and a new connection for each request.
func (c *cluster) client() *http.Client {
	return &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DialContext:       c.dial,
		},
	}
}

// dial connects to an address with numbers in the machine's network.
func (c *cluster) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.Do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// get returns the body of an answer with code 200.
func get(client *http.Client, url string) (string, error) {
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return string(body), err
}

// startKubelet starts kubelet, which returns when it is healthy.
func (c *cluster) startKubelet(t *testing.T) {
	t.Helper()
	c.write(t, "/etc/kubernetes/kubelet.yaml", fmt.Sprintf(kubeletConfig, pki, c.group))
	c.kubelet = c.Start(t, c.env(), c.answers("http://127.0.0.1:10248/healthz"), "/usr/local/bin/kubelet",
		"--config=/etc/kubernetes/kubelet.yaml", "--kubeconfig=/etc/kubernetes/kubelet.conf",
		"--hostname-override="+nodeName, "--node-ip="+nodeAddress)
}

// kubeletConfig has kubelet run where there is cgroup v1, keep to the machine's groups, and do without promises about disks and the OOM
// killer that it could only keep on a machine of its own.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]sca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /%[2]s
failCgroupV1: false
enforceNodeAllocatable: [pods]
localStorageCapacityIsolation: false
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
resolvConf: ""
`

func (c *cluster) startProxy(t *testing.T) {
	t.Helper()
	c.write(t, "/etc/kubernetes/proxy.yaml", proxyConfig)
	c.Start(t, c.env(), c.answers("http://127.0.0.1:10256/livez"), "/usr/local/bin/kube-proxy",
		"--config=/etc/kubernetes/proxy.yaml", "--hostname-override="+nodeName)
}

// proxyConfig has kube-proxy leave alone the settings of connection tracking, which are those of the host's kernel.
const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /etc/kubernetes/proxy.conf}
mode: iptables
clusterCIDR: 10.88.0.0/16
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`

// kubectl runs kubectl as the administrator, which must succeed, and returns what it printed less the last newline.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	c.typed.add(args)
	return strings.TrimSuffix(c.run(t, "/usr/local/bin/kubectl", args...), "\n")
}

// get returns what a JSONPath finds in an object.
func (c *cluster) get(t *testing.T, object, path string) string {
	t.Helper()
	return c.kubectl(t, "get", object, "-o", "jsonpath="+path)
}

// until waits until what a JSONPath finds in an object is what is wanted.
func (c *cluster) until(t *testing.T, timeout time.Duration, object, path, want string) {
	t.Helper()
	daemon.Within(t, timeout, func() error {
		stdout, stderr, err := c.try(t, "/usr/local/bin/kubectl", "get", object, "-o", "jsonpath="+path)
		if err != nil {
			return errors.New(stderr)
		}
		if stdout != want {
			return fmt.Errorf("%s of %s is %q, want %q", path, object, stdout, want)
		}
		return nil
	})
}
