package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/containerd/containerd/v2/client"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/handover"
	"wasmgo/test/daemon"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// env is what a case gets: one daemon with one image in it, shared with the other cases.
type env struct {
	*daemon.ContainerdDaemon
	image client.Image
	last  *atomic.Int64 // number in the name of the last container
}

// testCase is one thing to show; the name is a sentence.
type testCase struct {
	name string
	run  func(t *testing.T, e env)
}

// cases are all there are for containerd; the ones that stop the daemon have tests of their own.
var cases = [][]testCase{exitCases, signalCases, stdioCases, terminalCases, specCases, mountCases, pauseCases, resourceCases, memoryCases, eventCases, badCases, badSpecCases, ctrCases, execCases, toolboxCases, ctrToolboxCases, apparmorCases, componentCases, componentStdioCases, componentNetworkCases, componentHTTPCases, componentTLSCases, componentProposalCases}

var versions = []string{daemon.Containerd2, daemon.Containerd17}

func TestContainerd(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			e := newEnv(t, version)
			for _, group := range cases {
				for _, c := range group {
					t.Run(c.name, func(t *testing.T) {
						t.Parallel()
						c.run(t, e)
					})
				}
			}
		})
	}
}

// newEnv starts a daemon that has the image with all guests.
func newEnv(t *testing.T, version string, opts ...daemon.Option) env {
	t.Helper()
	d := daemon.Containerd(t, append([]daemon.Option{daemon.Version(version)}, opts...)...)
	return env{ContainerdDaemon: d, image: d.Import(t, guestImage(t)), last: new(atomic.Int64)}
}

// id returns a name no other container of the daemon has.
func (e env) id() string { return fmt.Sprintf("c%d", e.last.Add(1)) }

// guestImage holds every guest as /NAME.wasm, every file that is none as /bad/NAME, and a few files to read.
func guestImage(t *testing.T) pack.Image {
	t.Helper()
	files := map[string]pack.File{
		"/etc/passwd":  {Content: []byte("root:x:0:0::/:\nnobody:x:65534:65534::/:\n"), Mode: 0o644},
		"/etc/group":   {Content: []byte("root:x:0:\nstaff:x:50:nobody\n"), Mode: 0o644},
		"/etc/greet":   {Content: []byte("hello\n"), Mode: 0o644},
		"/etc/secret":  {Content: []byte("for root\n"), Mode: 0o600},
		"/tmp/.keep":   {Mode: 0o644},
		"/work/here":   {Content: []byte("in the working directory\n"), Mode: 0o644},
		"/guest.wat":   {Content: []byte(`(module (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32))) (func (export "_start") (call $e (i32.const 9))))`)},
		"/bad/dir/x":   {Mode: 0o644},
		"/plain/noext": {Content: guests.Bytes(t, "args")},
	}
	dirs, err := filepath.Glob(filepath.Join("..", "guests", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no guests: %v", err)
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		name := filepath.Base(dir)
		if name == "component" {
			continue
		}
		files["/"+name+".wasm"] = pack.File{Content: guests.Bytes(t, name)}
	}
	addComponents(t, files)
	addFiles(t, files)
	files["/bad/cwasm"] = pack.File{Content: compiled(t, guests.Bytes(t, "args"))}
	for name, content := range guests.Bad(t) {
		files["/bad/"+name] = pack.File{Content: content}
	}
	return pack.Image{
		Name:   "test.local/guests:1",
		Config: v1.ImageConfig{Env: []string{"PATH=/bin:/plain:/", "FROM_IMAGE=yes"}, WorkingDir: "/work"},
		Files:  files,
	}
}

// compiled is the machine code Wasmtime makes of a module, which an image must not bring.
func compiled(t *testing.T, module []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := direct.Compile(daemon.Runner(t), module, dir); err != nil {
		t.Fatal(err)
	}
	return []byte(readFile(t, filepath.Join(dir, handover.CodeName)))
}
