package conformance

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/pack"
)

const criToolsVersion = "v1.36.0"

// needsImage are the tests that want to find something in an image of their own: users, programs with a set-uid bit, nginx and its processes, ipcs.
// Without it most of them wait for their time to be over.
const needsImage = "benchmark|Windows|SupplementalGroupsPolicy|NoNewPrivs|portforward in host|portmapping|ContainerPID|HostIpc|HostPID|MaskedPaths|Image"

// TestCRI runs critest, which Kubernetes has for runtimes of its nodes.
func TestCRI(t *testing.T) {
	daemon.NeedRoot(t)
	program := build(t, "sigs.k8s.io/cri-tools", criToolsVersion, "./cmd/critest", "critest")
	n := daemon.NewNetns(t)
	web := shell(t)
	web.Name = "test.local/web:1"
	web.Files["/www/index.html"] = pack.File{Content: []byte("served\n"), Mode: 0o644}
	web.Config.Cmd = []string{"httpd", "-f", "-p", "80", "-h", "/www"}
	images := startRegistry(t, n, []string{"nginx", "httpd", ""}, web, web, shell(t))
	d := daemon.CRI(t, daemon.InNetns(n), daemon.Env("HTTPS_PROXY="+images.proxy), daemon.Env("SSL_CERT_FILE="+images.pool))
	results := map[string]outcomes{}
	for _, handler := range []string{daemon.Handler, daemon.RuncHandler} {
		dir := t.TempDir()
		address := "unix://" + d.Containerd.Address
		out := run(t, n, 15*time.Minute, dir, nil, program, "-runtime-endpoint", address, "-image-endpoint", address, "-runtime-handler", handler,
			"-ginkgo.junit-report", filepath.Join(dir, "report.xml"), "-ginkgo.no-color", "-ginkgo.skip", needsImage)
		if logs := os.Getenv("CONFORMANCE_LOGS"); logs != "" {
			if err := os.WriteFile(filepath.Join(logs, "cri-"+handler+".log"), []byte(out), 0o600); err != nil {
				t.Error(err)
			}
		}
		results[handler] = parseReports(t, dir)
		if len(results[handler]) == 0 {
			t.Fatalf("nothing was run:\n%s", out)
		}
	}
	compare(t, results[daemon.Handler], results[daemon.RuncHandler], expected(t, "cri.txt"))
}

// parseReports reads the JUnit reports in dir.
func parseReports(t *testing.T, dir string) outcomes {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	o := outcomes{}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var report struct {
			Cases []struct {
				Name   string `xml:"name,attr"`
				Status string `xml:"status,attr"`
			} `xml:"testsuite>testcase"`
		}
		if err := xml.Unmarshal(body, &report); err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Cases {
			if strings.HasPrefix(c.Name, "[It]") {
				o[c.Name] = map[string]string{"passed": "pass", "failed": "fail", "skipped": "skip"}[c.Status]
			}
		}
	}
	return o
}
