package arrows

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Where each package of the product stands. One that is in none of them fails the test: say where it belongs.
var (
	host   = []string{"bundle", "cache", "content", "detached", "image", "install", "launch", "layers", "lockfile", "native", "observe", "pod", "programs", "sandbox", "settings", "shim", "stdio", "task", "wire"}
	guest  = []string{"component", "engine", "runner", "serve", "toolbox", "wasi"}
	border = []string{"capability", "handover", "otlp"}
	user   = []string{"doctor", "imagefile", "peer"}
)

// decoders are the parts of the guest half that tell a person what a module is: Go without C, and nothing is run.
var decoders = []string{"component/binary", "component/core", "component/names", "component/types", "component/validate", "component/wire"}

// Modules one half must never reach, even through others.
var (
	noWasm       = []string{"github.com/bytecodealliance/wasmtime-go", "github.com/seccomp/libseccomp-golang"}
	noContainerd = []string{"github.com/containerd/", "google.golang.org/grpc", "github.com/opencontainers/cgroups"}
)

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	CgoFiles   []string
	Standard   bool
}

func TestHalvesMeetOnlyAtTheBorder(t *testing.T) {
	for _, p := range list(t, nil, "wasmgo/pkg/...", "wasmgo/cmd/...") {
		t.Run(p.ImportPath, func(t *testing.T) {
			var forbidden []string
			switch half(p.ImportPath) {
			case "host":
				forbidden = slices.Concat(paths(guest), paths(user), noWasm)
			case "guest":
				forbidden = slices.Concat(paths(host), paths(user), noContainerd)
			case "border":
				forbidden = slices.Concat(paths(host), paths(guest), paths(user), noWasm, noContainerd)
			case "user":
				forbidden = append(paths(guest), noWasm...)
			default:
				t.Fatal("in neither half: add it to the lists of this test")
			}
			for _, dep := range p.Deps {
				if half(p.ImportPath) == "user" && slices.Contains(paths(decoders), dep) {
					continue
				}
				for _, f := range forbidden {
					if dep == f || strings.HasPrefix(dep, strings.TrimSuffix(f, "/")+"/") {
						t.Errorf("depends on %s", dep)
					}
				}
			}
		})
	}
}

func TestOnlyTheShimsHalfImportsTheSandbox(t *testing.T) {
	for _, p := range list(t, nil, "wasmgo/...") {
		if half(p.ImportPath) != "host" && slices.Contains(p.Imports, "wasmgo/pkg/sandbox") && !strings.HasPrefix(p.ImportPath, "wasmgo/test/") {
			t.Errorf("%s imports the sandbox", p.ImportPath)
		}
	}
}

func TestShimHasNoC(t *testing.T) {
	for _, p := range list(t, []string{"CGO_ENABLED=1"}, "-deps", "wasmgo/cmd/containerd-shim-wasmgo-v1", "wasmgo/cmd/wasmgo-shim", "wasmgo/cmd/wasmgo") {
		// With cgo off the standard library's own uses of it (net, os/user) fall away.
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("%s has C in %v", p.ImportPath, p.CgoFiles)
		}
	}
}

// TestLeanPrograms: what is started for every container does without what takes long to come up.
func TestLeanPrograms(t *testing.T) {
	for program, heavy := range map[string][]string{
		"containerd-shim-wasmgo-v1": {"net", "google.golang.org/protobuf", "github.com/containerd/containerd", "github.com/klauspost", "wasmgo/pkg/sandbox", "wasmgo/pkg/task"},
		"wasmgo-shim":               {"google.golang.org/grpc/internal/transport", "github.com/containerd/containerd/v2/client", "github.com/spf13/cobra", "net/http", "go.opentelemetry.io"},
	} {
		// The tag is containerd's own, for those who import its ttrpc services (Makefile).
		for _, p := range list(t, []string{"CGO_ENABLED=0"}, "-tags=no_grpc", "-deps", "wasmgo/cmd/"+program) {
			for _, h := range heavy {
				if p.ImportPath == h || strings.HasPrefix(p.ImportPath, h+"/") {
					t.Errorf("%s has %s", program, p.ImportPath)
				}
			}
		}
	}
}

// TestPlainRunnerHasNoClients: what runs a command without HTTP and buckets does not come up with what they need.
func TestPlainRunnerHasNoClients(t *testing.T) {
	for _, p := range list(t, []string{"CGO_ENABLED=1"}, "-deps", "wasmgo/cmd/wasmgo-runner") {
		for _, h := range []string{"net/http", "crypto/tls", "github.com/redis", "go.opentelemetry.io", "wasmgo/pkg/otlp", "wasmgo/pkg/wasi/keyvalue"} {
			if p.ImportPath == h || strings.HasPrefix(p.ImportPath, h+"/") {
				t.Errorf("it has %s", p.ImportPath)
			}
		}
	}
}

func half(path string) string {
	switch name := strings.TrimPrefix(path, "wasmgo/"); {
	case slices.Contains([]string{"cmd/containerd-shim-wasmgo-v1", "cmd/wasmgo-shim"}, name) || under(name, host):
		return "host"
	case name == "cmd/wasmgo" || under(name, user):
		return "user"
	case name == "cmd/wasmgo-runner" || name == "cmd/wasmgo-runner-http" || name == "cmd/wasmgo-toolbox" || under(name, guest):
		return "guest"
	case under(name, border):
		return "border"
	}
	return ""
}

func under(name string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return name == "pkg/"+p || strings.HasPrefix(name, "pkg/"+p+"/") })
}

func paths(list []string) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = "wasmgo/pkg/" + p
	}
	return out
}

func list(t *testing.T, env []string, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,CgoFiles,Standard"}, args...)...)
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}
