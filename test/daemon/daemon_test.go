package daemon

import (
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/native"
	"wasmgo/test/pack"
)

// The harness is tried with runc, so that what fails here is not the shim's doing.

func nativeHello(t *testing.T) pack.Image {
	return pack.Image{
		Name:     "test.local/native:1",
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Entrypoint: []string{"/hello"}},
		Files:    map[string]pack.File{"/hello": {Content: native.Hello(t)}},
	}
}

func TestContainerdRunsANativeContainer(t *testing.T) {
	NeedRoot(t)
	for _, version := range []string{Containerd2, Containerd17} {
		t.Run(version, func(t *testing.T) {
			d := Containerd(t, Version(version))
			img := d.Import(t, nativeHello(t))
			got := d.Ctr(t, "run", "--rm", "--runtime", RuncRuntime, img.Name(), "h").Output(t)
			if want := "hello from native"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			d.MustBeGone(t, "h")
			d.Kill(t)
			d.Start(t)
			if got := d.Ctr(t, "images", "list", "--quiet").Output(t); got != img.Name() {
				t.Errorf("after a restart there is %q, want %q", got, img.Name())
			}
		})
	}
}

func TestDockerdRunsANativeContainer(t *testing.T) {
	NeedRoot(t)
	d := Dockerd(t)
	img := nativeHello(t)
	d.Load(t, img)
	for _, network := range []string{"none", "bridge"} {
		got := d.Docker(t, "run", "--rm", "--network", network, img.Name).Output(t)
		if want := "hello from native"; got != want {
			t.Errorf("network %s: got %q, want %q", network, got, want)
		}
	}
	if d.Containerd.Netns.Run(t, "ip", "-oneline", "link", "show", "docker0") == "" {
		t.Error("no docker0 where it should be")
	}
	if out, err := exec.Command("ip", "-oneline", "link", "show", "docker0").Output(); err == nil && strings.Contains(string(out), "docker0") {
		t.Error("docker0 is in the machine's own network namespace")
	}
}

// A leak check that cannot see a leak is worth nothing.
func TestProcessesMountsAndSocketsAreSeen(t *testing.T) {
	NeedRoot(t)
	dir := t.TempDir()
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{"WASMGO_ROOT=" + dir}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	// exec closes the pipe that Start waits for before it has laid out the new environment.
	if err := settle(func() error {
		if noProcesses(dir, "no-such-group") == nil {
			return errors.New("a process with the directory in its environment was not seen")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := noMounts("/proc"); err == nil {
		t.Error("the mount of /proc was not seen")
	}
	if err := noCgroups(""); err == nil {
		t.Error("the control groups of this machine were not seen")
	}
}

func TestCRIComesUpAndIsGoneAgain(t *testing.T) {
	NeedRoot(t)
	for _, version := range []string{Containerd2, Containerd17} {
		t.Run(version, func(t *testing.T) {
			d := CRI(t, Version(version))
			img := nativeHello(t)
			d.Import(t, img)
			if got := d.Crictl(t, "images", "--output", "json").Output(t); !strings.Contains(got, img.Name) || !strings.Contains(got, pauseImage) {
				t.Errorf("CRI knows the images %s, want %s and %s", got, img.Name, pauseImage)
			}
			if got := d.Crictl(t, "pods", "--quiet").Output(t); got != "" {
				t.Errorf("there are pods: %q", got)
			}
		})
	}
}
