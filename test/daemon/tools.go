package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// The pinned tools, each a folder of test/tools.
const (
	Containerd2   = "containerd-2.4.2"
	Containerd17  = "containerd-1.7.35"
	Runc          = "runc-1.5.2"
	moby          = "moby-2.0.0-beta.24"
	dockerCLI     = "docker-cli-29.9.3"
	buildx        = "buildx-0.29.1"
	criTools      = "cri-tools-1.36.0"
	CNIPlugins    = "cni-plugins-1.9.1"
	registry      = "registry-3.0.0"
	Kubernetes    = "kubernetes-1.36.3"
	Etcd          = "etcd-3.6.16"
	MetricsServer = "metrics-server-0.9.0"
)

// Tool returns the directory of a pinned tool's binaries, built first where that has not been done.
func Tool(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(repository(t), "build", "tools", name)
	once, _ := toolBuilds.LoadOrStore(name, sync.OnceValue(func() error {
		if _, err := os.Stat(filepath.Join(dir, ".built")); err == nil {
			return nil
		}
		cmd := exec.Command(filepath.Join(repository(t), "scripts", "tool"), name)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd.Run()
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return dir
}

var toolBuilds sync.Map

// Built returns the directory with the shim that `make build` made.
func Built(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(repository(t), "build", "bin")
	if _, err := os.Stat(filepath.Join(dir, "containerd-shim-wasmgo-v1")); err != nil {
		t.Fatalf("%v: run `make build` first", err)
	}
	return dir
}

// Runner returns the path of the runner that `make build` made.
func Runner(t testing.TB) string {
	t.Helper()
	path := filepath.Join(repository(t), "build", "programs", "runner", "runner")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run `make build` first", err)
	}
	return path
}

// NeedRoot skips the test, and says why, unless it runs as root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
}

// repository is the root of the source tree: the tests run where it lies.
func repository(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("daemon: the source tree is not known to a binary built with -trimpath")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
