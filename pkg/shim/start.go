package shim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
)

// defaultSocketDir is short because the path of a socket may have 107 bytes (unix(7)), of which the name takes 64.
const defaultSocketDir = "/run/containerd/s"

// addressName is the file in a bundle that holds the address of the shim's socket. containerd 1.7 reads it after a
// restart, and to give a pod's next container to the same shim.
const addressName = "address"

// listenerFD is the socket in a serve.
const listenerFD = 3

// groupAnnotations name the containers that share a shim, the first one found wins. The last two are those of
// containerd-shim-runc-v2.
var groupAnnotations = []string{bundle.GroupAnnotation, "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"}

// start is the action of that name. The working directory is the bundle.
func start(f flags, stdin io.Reader, stdout io.Writer) error {
	boot, err := readBootstrap(stdin, f)
	if err != nil {
		return err
	}
	group, err := groupOf(f)
	if err != nil {
		return err
	}
	address := socketAddress(boot.socketDir, f, group)
	l, err := listen(address)
	if err != nil {
		return fmt.Errorf("shim socket: %w", err)
	}
	if l != nil { // nil: the group has its shim already
		err := spawn(f, l, boot)
		_ = l.Close()
		if err != nil {
			_ = os.Remove(socketPath(address))
			return err
		}
	}
	if err := os.WriteFile(addressName, []byte(address), 0o600); err != nil {
		return fmt.Errorf("record address: %w", err)
	}
	return boot.answer(stdout, address)
}

// groupOf returns the name of the containers that share the shim; a container alone is its own group.
func groupOf(f flags) (string, error) {
	annotations, err := bundle.Annotations(".")
	if err != nil {
		return "", err
	}
	for _, name := range groupAnnotations {
		if group := annotations[name]; group != "" {
			return group, nil
		}
	}
	return f.id, nil
}

// socketAddress is the address of the group's shim, the same for every container of the group. The runtime's name is in
// it so that a pod with containers of two runtimes has two shims.
func socketAddress(dir string, f flags, group string) string {
	name := sha256.Sum256([]byte(strings.Join([]string{runtimeName, f.address, f.namespace, group}, "\x00")))
	return fmt.Sprintf("unix://%s/%x", dir, name)
}

func socketPath(address string) string { return strings.TrimPrefix(address, "unix://") }

// listen binds the socket, or returns nil if a shim already serves it.
func listen(address string) (*net.UnixListener, error) {
	path := socketPath(address)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	l, err := bind(path)
	if !errors.Is(err, unix.EADDRINUSE) {
		return l, err
	}
	if serving(path) {
		return nil, nil
	}
	// Its shim was killed before it could remove it.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return bind(path)
}

func bind(path string) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // serve lives on with a copy of it
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// serving reports whether somebody listens at path.
func serving(path string) bool {
	conn, err := net.DialTimeout("unix", path, 100*time.Millisecond)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// spawn starts a serve on the socket. What it should have from its first moment, its OOM score, cgroup and scheduling
// cookie, this process takes on first: it is about to exit.
func spawn(f flags, l *net.UnixListener, boot *bootstrap) error {
	if err := adjustOOMScore(); err != nil {
		return err
	}
	if err := joinCgroup(boot.options.ShimCgroup); err != nil {
		return fmt.Errorf("runtime option ShimCgroup: %w", err)
	}
	if err := schedule(); err != nil {
		return err
	}
	socket, err := l.File()
	if err != nil {
		return fmt.Errorf("shim socket: %w", err)
	}
	defer socket.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start shim: %w", err)
	}
	args := []string{"-namespace", f.namespace, "-id", f.id, "-address", f.address}
	if f.debug || boot.debug {
		args = append(args, "-debug")
	}
	cmd := exec.Command(self, append(args, "serve")...)
	cmd.Env = serveEnv(os.Environ())
	cmd.ExtraFiles = []*os.File{socket}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at containerd's terminal is not for it
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start shim: %w", err)
	}
	return cmd.Process.Release() // it outlives this process; init reaps it
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

// bootstrap is what containerd wants, in either protocol.
type bootstrap struct {
	current   bool // BootstrapParams, not the older protocol
	socketDir string
	debug     bool
	options   bundle.Options
}

// maxBootstrap bounds what is read from stdin, in bytes.
const maxBootstrap = 10 << 20

func readBootstrap(stdin io.Reader, f flags) (*bootstrap, error) {
	input, err := io.ReadAll(io.LimitReader(stdin, maxBootstrap))
	if err != nil {
		return nil, fmt.Errorf("read stdin: %w", err)
	}
	boot, err := parseBootstrap(input, f)
	if err != nil {
		return nil, err
	}
	if boot.socketDir == "" {
		boot.socketDir = defaultSocketDir
	}
	return boot, nil
}

// parseBootstrap tells the protocols apart. Runtime options can decode as BootstrapParams, since both are protobuf, but not with
// the container's own id and namespace in the first two fields.
func parseBootstrap(input []byte, f flags) (*bootstrap, error) {
	var params bootapi.BootstrapParams
	err := proto.Unmarshal(input, &params)
	if err == nil && params.InstanceID == f.id && params.Namespace == f.namespace {
		boot := &bootstrap{current: true, socketDir: params.GetSocketDir(), debug: params.LogLevel <= bootapi.LogLevel_LOG_LEVEL_DEBUG}
		for _, e := range params.Extensions {
			if o, err := bundle.ParseOptions(e.GetValue().GetTypeUrl(), e.GetValue().GetValue()); err == nil {
				boot.options = o
			} else if !errors.Is(err, bundle.ErrNotOptions) { // other extensions are not for us
				return nil, err
			}
		}
		return boot, nil
	}
	var options anypb.Any
	if err := proto.Unmarshal(input, &options); err != nil {
		return nil, fmt.Errorf("stdin is neither bootstrap parameters nor runtime options: %w: %w", err, errdefs.ErrInvalidArgument)
	}
	o, err := bundle.ParseOptions(options.TypeUrl, options.Value)
	if err != nil {
		return nil, err
	}
	return &bootstrap{options: o}, nil
}

// answer tells containerd where the shim is. Version 3 is the task API, and says that a pod's next containers may be
// sent to this shim without another start.
func (b *bootstrap) answer(w io.Writer, address string) error {
	out := []byte(address)
	if b.current {
		var err error
		if out, err = proto.Marshal(&bootapi.BootstrapResult{Version: 3, Protocol: "ttrpc", Address: address}); err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
