package launch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/bundle/runtimeoptions"
	"wasmgo/pkg/programs"
	"wasmgo/pkg/settings"
)

// addressName is the file in a bundle that holds the address of the shim's socket. containerd 1.7 reads it after a
// restart, and to give a pod's next container to the same shim.
const addressName = "address"

// groupAnnotations name the containers that share a shim, the first one found wins. The second is that of
// containerd-shim-runc-v2.
var groupAnnotations = []string{bundle.GroupAnnotation, "io.containerd.runc.v2.group"}

// podAnnotation names the pod of a container, by the id of its sandbox.
const podAnnotation = "io.kubernetes.cri.sandbox-id"

// everybody is the group of all containers of a namespace. No id or annotation is empty.
const everybody = ""

// start is the action of that name. The working directory is the bundle.
func (l launcher) start(f flags) error {
	boot, err := readBootstrap(l.stdin, f)
	if err != nil {
		return err
	}
	host, err := hostSettings(boot)
	if err != nil {
		return err
	}
	group, err := groupOf(f, host.Values().ShimPer)
	if err != nil {
		return err
	}
	address := socketAddress(boot.socketDir, f, group)
	socket, err := listen(socketPath(address))
	if err != nil {
		return fmt.Errorf("shim socket: %w", err)
	}
	if socket != nil { // nil: the group has its shim already
		err := l.spawn(f, socket, boot, host, group != f.id)
		_ = socket.Close()
		if err != nil {
			_ = os.Remove(socketPath(address))
			return err
		}
	}
	if err := os.WriteFile(addressName, []byte(address), 0o600); err != nil {
		return fmt.Errorf("record address: %w", err)
	}
	return boot.answer(l.stdout, address)
}

// groupOf returns the name of the containers that share the shim; a container alone is its own group. Per is the setting shim-per.
func groupOf(f flags, per string) (string, error) {
	annotations, err := bundle.Annotations(".")
	// containerd starts a pod's shim by its Sandbox service, without a specification.
	if err != nil && !errors.Is(err, errdefs.ErrNotFound) {
		return "", err
	}
	for _, name := range groupAnnotations {
		if group := annotations[name]; group != "" {
			return group, nil
		}
	}
	if per == settings.ShimPerNamespace {
		return everybody, nil
	}
	if pod := annotations[podAnnotation]; pod != "" {
		return pod, nil
	}
	return f.id, nil
}

// socketAddress is the address of the group's shim, the same for every container of the group. The runtime's name is in
// it so that a pod with containers of two runtimes has two shims.
func socketAddress(dir string, f flags, group string) string {
	name := sha256.Sum256([]byte(strings.Join([]string{runtimeName, f.address, f.namespace, group}, "\x00")))
	return fmt.Sprintf("unix://%s/%x", dir, name)
}

// spawn starts a shim on the socket. What it should have from its first moment, its OOM score, cgroup and scheduling
// cookie, this process takes on first: it is about to exit. Shared is a shim that others than the container f.id will come to.
func (l launcher) spawn(f flags, socket *os.File, boot *bootstrap, host settings.Host, shared bool) error {
	v := host.Values()
	dir, err := l.programs(v.Root)
	if err != nil {
		return err
	}
	if err := adjustOOMScore(); err != nil {
		return err
	}
	if err := joinCgroup(v.ShimCgroup); err != nil {
		return fmt.Errorf("setting shim-cgroup: %w", err)
	}
	if err := schedule(); err != nil {
		return err
	}
	args := []string{os.Args[0], "-namespace", f.namespace, "-id", f.id, "-address", f.address}
	if f.debug || boot.debug {
		args = append(args, "-debug")
	}
	if shared {
		args = append(args, "-shared")
	}
	cmd, err := startShim(dir, exec.Cmd{
		Args:        append(args, "serve"),
		Env:         shimEnvironment(dir, host),
		ExtraFiles:  []*os.File{socket},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // a Ctrl-C at containerd's terminal is not for it
	})
	if err != nil {
		return fmt.Errorf("start shim: %w", err)
	}
	return cmd.Process.Release() // it outlives this process; init reaps it
}

// hostSettings is what the operator has set: the file, containerd's environment, the runtime's options.
func hostSettings(boot *bootstrap) (settings.Host, error) {
	host, err := settings.ReadHost(os.Environ())
	if err != nil {
		return host, err
	}
	options, err := runtimeoptions.ParseAny(boot.options)
	if err != nil {
		return host, err
	}
	return host.With(options), nil
}

// shimEnvironment is containerd's, with few threads. Options about the shim as a whole come to it as variables: it sees options when
// it is asked for a container, and those are about that container.
func shimEnvironment(dir programs.Dir, host settings.Host) []string {
	out := append(environment(dir), host.OfShim()...)
	for i, e := range out {
		if strings.HasPrefix(e, "GOMAXPROCS=") {
			out[i] = "GOMAXPROCS=2"
			return out
		}
	}
	return append(out, "GOMAXPROCS=2")
}

// adjustOOMScore makes the shim die a little before containerd and long before its containers would take it along.
func adjustOOMScore() error {
	score, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/oom_score_adj")
	if err != nil {
		return fmt.Errorf("read containerd's OOM score: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(score)))
	if err != nil {
		return fmt.Errorf("read containerd's OOM score: %w", err)
	}
	err = os.WriteFile("/proc/self/oom_score_adj", strconv.AppendInt(nil, int64(min(n+1, 1000)), 10), 0)
	if err != nil && !errors.Is(err, os.ErrPermission) { // without root it cannot be below what it was born with
		return fmt.Errorf("set the shim's OOM score: %w", err)
	}
	return nil
}

// schedule gives the shim a core scheduling cookie of its own if containerd was told to (sched_core in its config).
func schedule() error {
	if os.Getenv("SCHED_CORE") == "" {
		return nil
	}
	if err := unix.Prctl(unix.PR_SCHED_CORE, unix.PR_SCHED_CORE_CREATE, 0, unix.PR_SCHED_CORE_SCOPE_THREAD_GROUP, 0); err != nil {
		return fmt.Errorf("core scheduling: %w", os.NewSyscallError("prctl", err))
	}
	return nil
}
