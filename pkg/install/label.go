package install

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Label is what a node of Kubernetes has while wasmgo is installed on it; its value is "true".
const Label = "io.containerd.wasmgo/installed"

// accountDir is where a pod finds what its service account may show the apiserver.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// labelTimeout bounds the request to the apiserver.
const labelTimeout = 30 * time.Second

// Node is the Kubernetes node that this host is, as a pod on it may change it.
type Node struct {
	name   string
	base   string // URL of the apiserver
	token  string
	client *http.Client
}

// NodeOfPod returns the node of that name, to be changed with the rights of the pod that this process runs in. It reads files of the pod, which
// are out of reach once the root has been changed to the host's.
func NodeOfPod(name string) (*Node, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("label the node: no pod of Kubernetes: $KUBERNETES_SERVICE_HOST and _PORT are not set")
	}
	return newNode(name, "https://"+net.JoinHostPort(host, port), accountDir)
}

func newNode(name, base, account string) (*Node, error) {
	token, err := os.ReadFile(filepath.Join(account, "token"))
	if err != nil {
		return nil, fmt.Errorf("label the node: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("label the node: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("label the node: %s holds no certificate", filepath.Join(account, "ca.crt"))
	}
	return &Node{
		name: name, base: base, token: strings.TrimSpace(string(token)),
		client: &http.Client{
			Timeout:   labelTimeout,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
		},
	}, nil
}

// SetInstalled gives the node the label, or takes it away. Both may be so already.
func (n *Node) SetInstalled(ctx context.Context, installed bool) error {
	labels := map[string]any{Label: nil} // JSON merge patch, RFC 7386: null removes
	if installed {
		labels[Label] = "true"
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, n.base+"/api/v1/nodes/"+url.PathEscape(n.name), bytes.NewReader(patch))
	if err != nil {
		return fmt.Errorf("label the node: %w", err)
	}
	request.Header.Set("Content-Type", "application/merge-patch+json")
	request.Header.Set("Authorization", "Bearer "+n.token)
	answer, err := n.client.Do(request)
	if err != nil {
		return fmt.Errorf("label node %s: %w", n.name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var status struct{ Message string }
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		if json.Unmarshal(body, &status) != nil || status.Message == "" {
			status.Message = answer.Status
		}
		return fmt.Errorf("label node %s: %s", n.name, status.Message)
	}
	return nil
}
