package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

func TestPrecompile(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	d.Import(t, pack.Image{
		Name:  "test.local/two:1",
		Files: map[string]pack.File{"/hello.wasm": {Content: guests.Bytes(t, "hello")}, "/bin/args.wasm": {Content: guests.Bytes(t, "args")}, "/readme": {Content: []byte("text")}},
	})
	cli := func(args ...string) daemon.Result {
		t.Helper()
		return d.CLI(t, append(args, "--namespace", d.Namespace)...).Run(t)
	}
	t.Run("an image's modules are compiled, once", func(t *testing.T) {
		first := cli("precompile", "test.local/two:1")
		if first.Code != 0 {
			t.Fatalf("exit code %d: %s", first.Code, first.Stderr)
		}
		mustContain(t, first.Stdout, "test.local/two:1 /hello.wasm: compiled in", "test.local/two:1 /bin/args.wasm: compiled in")
		mustContain(t, cli("precompile", "test.local/two:1").Stdout, "/hello.wasm: was compiled already", "/bin/args.wasm: was compiled already")
	})
	t.Run("a container finds them", func(t *testing.T) {
		before := cli("cache", "ls").Stdout
		r := d.Ctr(t, "run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "test.local/two:1", "two", "/hello.wasm").Run(t)
		if r.Code != 0 {
			t.Errorf("exit code %d: %s", r.Code, r.Stderr)
		}
		if after := cli("cache", "ls").Stdout; strings.Count(after, "\n") != strings.Count(before, "\n") {
			t.Errorf("the cache has\n%s\nand had\n%s", after, before)
		}
	})
	t.Run("a layer that is a module", func(t *testing.T) {
		build := cli("image", "build", guests.Path(t, "exit_code"), "--tag", "test.local/layer:1", "--containerd", d.Namespace)
		if build.Code != 0 {
			t.Fatal(build.Stderr)
		}
		r := cli("precompile", "test.local/layer:1")
		if r.Code != 0 || !strings.Contains(r.Stdout, "/exit_code.wasm: compiled in") {
			t.Errorf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
	})
	t.Run("files: a module, text, one that cannot be compiled", func(t *testing.T) {
		bad := filepath.Join(t.TempDir(), "bad.wasm")
		if err := os.WriteFile(bad, guests.Bytes(t, "exit_code")[:60], 0o600); err != nil {
			t.Fatal(err)
		}
		r := cli("precompile", guests.Path(t, "clock"), bad, guests.Text(t, "idle"))
		if r.Code != 1 || strings.Count(r.Stdout, "compiled in") != 2 || !strings.Contains(r.Stderr, bad+" cannot be compiled: ") {
			t.Errorf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
		}
	})
	t.Run("an image that is not there, and one without a module", func(t *testing.T) {
		r := cli("precompile", "test.local/none:1")
		if r.Code != 1 || !strings.Contains(r.Stderr, "test.local/none:1") {
			t.Errorf("exit code %d: %s", r.Code, r.Stderr)
		}
		d.Import(t, pack.Image{Name: "test.local/empty:1", Files: map[string]pack.File{"/readme": {Content: []byte("text")}}})
		mustContain(t, cli("precompile", "test.local/empty:1").Stdout, "no module in it")
	})
}

// In the build of a container image root can make no namespaces.
func TestPrecompileWithoutNamespaces(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	call := d.CLI(t, "precompile", guests.Path(t, "exit_code")).Prepare(t.Context())
	drop := exec.CommandContext(t.Context(), "setpriv", append([]string{"--bounding-set=-sys_admin", "--inh-caps=-sys_admin", call.Path}, call.Args[1:]...)...)
	drop.Env = call.Env
	if out, err := drop.CombinedOutput(); err != nil || !strings.Contains(string(out), "compiled in") {
		t.Errorf("%v: %s", err, out)
	}
	mustContain(t, d.CLI(t, "precompile", guests.Path(t, "exit_code")).Output(t), "was compiled already")
}

func TestPrecompileWatch(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	watch := d.CLI(t, "precompile", "--watch").Prepare(ctx)
	out, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := watch.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(errs)
	if line, err := said.ReadString('\n'); !strings.HasPrefix(line, "watching the images of containerd") {
		t.Fatalf("it says %q, %v", line, err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	// That it listens shows with the first image that it has heard of; native ones are none of its business.
	native := pack.Image{Name: "test.local/native:1", Platform: v1.Platform{OS: "linux", Architecture: "amd64"}, Files: map[string]pack.File{"/clock.wasm": {Content: guests.Bytes(t, "clock")}}}
	d.Import(t, native)
	heard := false
	for n := 0; !heard; n++ {
		d.Import(t, pack.Image{Name: fmt.Sprintf("test.local/pulled%d:1", n), Files: map[string]pack.File{"/hello.wasm": {Content: guests.Bytes(t, "hello")}}})
		select {
		case line := <-lines:
			heard = true
			mustContain(t, line, "/hello.wasm: compiled in")
		case <-time.After(2 * time.Second):
			if n == 10 {
				t.Fatal("it does not hear of images")
			}
		}
	}
	if err := watch.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for line := range lines {
		if strings.Contains(line, "native") {
			t.Errorf("it says %q", line)
		}
	}
	rest, _ := io.ReadAll(said)
	if err := watch.Wait(); err != nil {
		t.Errorf("%v: %s", err, rest)
	}
}
