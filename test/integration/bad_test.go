package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// badCases are modules that cannot run: the container starts, says why on its stderr and ends with 126 or 127.
var badCases = []testCase{
	{"what cannot run says why and ends", func(t *testing.T, e env) {
		for _, c := range []struct {
			args string
			code uint32
			says []string
		}{
			{"/no/such.wasm", 127, []string{"/no/such.wasm", "does not exist"}},
			{"nowhere", 127, []string{"nowhere", "PATH"}},
			{"/args.wasm/x", 127, []string{"/args.wasm/x"}},
			{"/bad/dir", 126, []string{"/bad/dir", "directory"}},
			{"/bad/empty", 126, []string{"/bad/empty", "empty"}},
			{"/bad/random", 126, []string{"/bad/random", "WebAssembly"}},
			{"/bad/text", 126, []string{"/bad/text"}},
			{"/bad/truncated", 126, []string{"/bad/truncated"}},
			{"/bad/truncated_header", 126, []string{"/bad/truncated_header"}},
			{"/bad/corrupt", 126, []string{"/bad/corrupt"}},
			{"/bad/unknown_version", 126, []string{"/bad/unknown_version", "version"}},
			{"/bad/component", 126, []string{"/bad/component", "component"}},
			{"/bad/wat_component", 126, []string{"/bad/wat_component", "component"}},
			{"/bad/wat_syntax", 126, []string{"/bad/wat_syntax"}},
			{"/bad/wat_type_mismatch", 126, []string{"/bad/wat_type_mismatch", "type mismatch"}},
			{"/bad/cwasm", 126, []string{"/bad/cwasm", "compiled"}},
			{"/unknown_import.wasm", 126, []string{"/unknown_import.wasm", "env", "print", "host", "base", "wasi:cli/stdout@0.2.0"}},
			{"/wrong_import.wasm", 126, []string{"/wrong_import.wasm", "fd_write"}},
			{"/no_start.wasm", 126, []string{"/no_start.wasm", "_start", "run"}},
			{"/exports.wasm#missing", 126, []string{"/exports.wasm", "missing", "other"}},
			{"/exports.wasm#add", 126, []string{"/exports.wasm", "add"}},
			{"/exports.wasm#not_a_function", 126, []string{"/exports.wasm", "not_a_function"}},
		} {
			t.Run(strings.ReplaceAll(strings.TrimPrefix(c.args, "/"), "/", " "), func(t *testing.T) {
				code, out, errs := e.run(t, guest(c.args))
				if code != c.code || out != "" {
					t.Errorf("exit code %d, want %d; stdout %q", code, c.code, out)
				}
				mustContain(t, errs, c.says...)
				if strings.Count(strings.TrimSpace(errs), "\n") > 12 {
					t.Errorf("more than a user will read: %q", errs)
				}
			})
		}
	}},
	{"ten megabytes of environment arrive", func(t *testing.T, e env) {
		var big []string
		for i := range 1000 {
			big = append(big, fmt.Sprintf("BIG%d=%s", i, strings.Repeat("x", 10000)))
		}
		code, out, errs := e.run(t, guest("/env.wasm", "BIG999").with(oci.WithEnv(big)))
		if code != 0 || len(out) != 10001 {
			t.Errorf("exit code %d, %d bytes\n%.500s", code, len(out), errs)
		}
	}},
}

// badSpecCases are specs that cannot be done: Create fails, names what it is, and leaves nothing.
var badSpecCases = []testCase{
	{"a spec that cannot be done is refused with the name of what it asks", func(t *testing.T, e env) {
		for _, c := range []struct {
			name string
			opt  oci.SpecOpts
			says []string
		}{
			{"an unknown namespace", edit(func(s *specs.Spec) {
				s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: "galaxy"})
			}), []string{"linux.namespaces", "galaxy"}},
			{"a namespace that is not there", edit(func(s *specs.Spec) {
				for i := range s.Linux.Namespaces {
					if s.Linux.Namespaces[i].Type == specs.NetworkNamespace {
						s.Linux.Namespaces[i].Path = "/no/such/netns"
					}
				}
			}), []string{"/no/such/netns"}},
			{"a mount source that is missing", bind("/no/such/source", "/data"), []string{"/no/such/source"}},
			{"a mount of an unknown type", oci.WithMounts([]specs.Mount{{Type: "nosuchfs", Source: "x", Destination: "/x"}}), []string{"nosuchfs"}},
			{"an unknown option of a tmpfs", oci.WithMounts([]specs.Mount{{
				Type: "tmpfs", Source: "tmpfs", Destination: "/tmp", Options: []string{"sideways"},
			}}), []string{"mounts[", "sideways"}},
			{"an unknown limit", oci.WithRlimit(&specs.POSIXRlimit{Type: "RLIMIT_FUN", Soft: 1, Hard: 1}), []string{"RLIMIT_FUN"}},
			{"a relative working directory", oci.WithProcessCwd("here"), []string{"cwd"}},
			{"no arguments", edit(func(s *specs.Spec) { s.Process.Args = nil }), []string{"process.args"}},
			{"no process", edit(func(s *specs.Spec) { s.Process = nil }), []string{"process"}},
			{"a root file system that is not there", edit(func(s *specs.Spec) { s.Root.Path = "no-such-rootfs/deep" }), []string{"root"}},
			{"a hook that is missing", edit(func(s *specs.Spec) {
				s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/no/such/hook"}}}
			}), []string{"/no/such/hook"}},
			{"a hook that fails", edit(func(s *specs.Spec) {
				s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "echo says the hook >&2; exit 3"}}}}
			}), []string{"hook", "says the hook"}},
			{"a sysctl of the whole machine", edit(func(s *specs.Spec) {
				s.Linux.Sysctl = map[string]string{"kernel.panic": "1"}
			}), []string{"kernel.panic"}},
			{"a memory limit too small to start with", oci.WithMemoryLimit(4096), []string{"linux.resources.memory.limit", "4096"}},
			{"a memory limit too small to get ready with", oci.WithMemoryLimit(1 << 19), []string{"linux.resources.memory.limit", "524288"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				created, err := e.tryCreate(t, guest("/hello.wasm").with(c.opt))
				if err == nil {
					created.start(t)
					t.Fatalf("it was created, and ended with %d: %s%s", created.end(t), created.stdout, created.stderr)
				}
				mustContain(t, err.Error(), c.says...)
			})
		}
	}},
}
