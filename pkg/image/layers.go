package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/handover"
)

// Query is what the shim asks the program `wasmgo layers`, as JSON on its standard input.
type Query struct {
	// Namespace and Container are containerd's names of the container.
	Namespace, Container string
	// Digest is the image's, of its index or manifest, where the client keeps a record of it that is better than
	// containerd's; "" elsewhere.
	Digest string
	// Process says what to run: the first argument, PATH and the working directory.
	Process Process
	// Fetch, unless empty, asks for these layers of Image in place of an answer; the first goes to descriptor
	// OutputFD, and so on.
	Fetch []Layer
	// Image names the image in messages about Fetch.
	Image string
}

// Answer is what the program says to a Query without Fetch, as JSON on its standard output. What is wrong on the host's side,
// containerd cannot be reached or has not got the content, is not in here: the program says it on its standard error
// and fails.
type Answer struct {
	// Refusal, if set, is why the image's layers cannot be run.
	Refusal *handover.Refusal
	// Image is the image's name, "" if the container has none.
	Image string
	// Module is the layer to run; nil if the image has no Wasm layers.
	Module *Layer
	// Export is the function that args[0] asks for; "" is the module's own entry point.
	Export string
	// Files are the layers that are files in the container.
	Files []Layer
}

// Layer is one layer of an image.
type Layer struct {
	Digest string // sha256:…
	Size   int64  // bytes
	// Path is where the layer stands in the container by its title, absolute and clean; "" if it has none.
	Path string
	// About names the layer in messages: its number, title and digest.
	About string
}

// Name is what the module is called in messages.
func (l *Layer) Name(image string) string { return l.About + " of image " + image }

// Sum is the layer's digest.
func (l *Layer) Sum() (sum [sha256.Size]byte, err error) {
	algorithm, text, _ := strings.Cut(l.Digest, ":")
	b, err := hex.DecodeString(text)
	if algorithm != "sha256" || err != nil || len(b) != len(sum) {
		return sum, fmt.Errorf("%s: digest %q is no SHA-256", l.About, l.Digest)
	}
	return [sha256.Size]byte(b), nil
}

// Descriptors of the program `wasmgo layers`.
const (
	ContainerdFD = 3 // a connection to containerd
	OutputFD     = 4 // the first of those that take layers
)

const (
	// askTimeout bounds an answer: a few calls of containerd, which takes its time when the disk is busy.
	askTimeout = 30 * time.Second
	// fetchTimeout bounds the copying of layers.
	fetchTimeout = 5 * time.Minute
	// dialTimeout is for a containerd that does not accept.
	dialTimeout = 5 * time.Second
	// maxAnswer bounds an answer, in bytes: MaxLayers titles of 4 KiB, each twice.
	maxAnswer = 2 << 20
	// maxComplaint is how much of the program's standard error is kept, in bytes.
	maxComplaint = 16 << 10
	// nobody is the program's user and group.
	nobody = 65534
)

// limits of the program are far above what it needs, and keep a document that blows up in memory from the host's.
var limits = handover.Limits{Space: 4 << 30, Memory: 1 << 30, CPU: 120, Output: 1 << 40, Files: 256}

// Source is where the layers of containers come from.
type Source struct {
	// Program is the path of the program wasmgo.
	Program string
	// Address is the path of containerd's socket, with or without "unix://".
	Address string
}

// Ask returns which layer of its image the container runs.
func (s Source) Ask(ctx context.Context, q Query) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := s.run(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	var a Answer
	if err := json.Unmarshal(out, &a); err != nil {
		return nil, fmt.Errorf("decode the answer of %s: %w", filepath.Base(s.Program), err)
	}
	return &a, nil
}

// Fetch writes the layers q.Fetch to the files, one each, at their offsets. Only without an error they have the content that
// their digests say.
func (s Source) Fetch(ctx context.Context, q Query, files []*os.File) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	_, err := s.run(ctx, q, files)
	return err
}

// run executes the program.
//
// It reads documents that a stranger wrote, so it has no file system but its own directory and is nobody; with its parent it
// ends. It holds a connection to containerd, which is worth more than all that a namespace of its own could keep it
// from: what protects the host here is that it reads JSON in Go and runs nothing.
func (s Source) run(ctx context.Context, q Query, files []*os.File) ([]byte, error) {
	socket, err := s.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("containerd cannot be reached: %w", err)
	}
	defer socket.Close()
	dir, name := filepath.Split(s.Program)
	tree, err := detached.Open(dir)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	question, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	bounds, err := limits.Env()
	if err != nil {
		return nil, err
	}
	var answer, complaint limited
	answer.most, complaint.most = maxAnswer, maxComplaint
	cmd := exec.CommandContext(ctx, s.Program)
	cmd.Args = []string{name, "layers"}
	cmd.Env = []string{bounds, "GOMAXPROCS=2", "GOGC=off", "GOMEMLIMIT=256MiB"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &answer, &complaint
	cmd.ExtraFiles = append([]*os.File{socket}, files...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if os.Geteuid() == 0 {
		cmd.Path, cmd.Dir = "/"+name, "/"
		cmd.SysProcAttr.Chroot = "/proc/self/fd/" + strconv.Itoa(int(tree.Fd()))
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	// The signal at the parent's death comes at that of the thread.
	runtime.LockOSThread()
	err = cmd.Run()
	runtime.UnlockOSThread()
	// A program that crashes says more than anybody wants to read.
	said, _, _ := strings.Cut(strings.TrimSpace(string(bytes.ToValidUTF8(complaint.Bytes(), []byte("?")))), "\n")
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read the image's layers: %w", context.Cause(ctx))
	case err == nil && answer.cut:
		return nil, errors.New("read the image's layers: the answer is too long")
	case err == nil:
		return answer.Bytes(), nil
	case said != "":
		return nil, errors.New(said)
	}
	return nil, fmt.Errorf("read the image's layers: %w", err)
}

// dial connects to containerd.
func (s Source) dial(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(s.Address, "unix://"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("%s: %w", s.Address, net.UnknownNetworkError(conn.RemoteAddr().Network()))
	}
	return unix.File()
}

// limited keeps the beginning of what is written to it.
type limited struct {
	bytes.Buffer
	most int
	cut  bool
}

func (l *limited) Write(p []byte) (int, error) {
	keep := min(len(p), l.most-l.Len())
	l.cut = l.cut || keep < len(p)
	l.Buffer.Write(p[:keep])
	return len(p), nil
}

// ReadFrom hides that of bytes.Buffer, which would take everything.
func (l *limited) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{l}, r)
}
