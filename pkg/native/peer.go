package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	eventsapi "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"wasmgo/pkg/sandbox"
)

// Root is where the directories of running runc shims are, one each.
const Root = "/run/wasmgo/native"

const (
	// startTimeout is for runc's shim to come up. It takes 30 ms.
	startTimeout = 10 * time.Second
	// endTimeout is for it to end when it was asked to. containerd waits 3 s for this shim.
	endTimeout = 2 * time.Second
)

// serviceNames are the versions of the Task service, the current one first: containerd 2 has only that one, 1.7 only the other.
// Their messages are the same on the wire.
var serviceNames = []string{"containerd.task.v3.Task", "containerd.task.v2.Task"}

// peer is a containerd-shim-runc-v2 that this shim has started.
type peer struct {
	service *Service
	users   int // guarded by Service.mu

	dir     string // its working directory, of its own
	path    string // of its program
	started uint64 // when, in clock ticks since boot
	cmd     *exec.Cmd
	log     *journal
	events  *ttrpc.Server
	serving chan struct{} // closed when events is served no more
	client  *ttrpc.Client
	name    string // of the version of the Task service it has

	ended chan struct{} // closed when the process is gone
	done  chan struct{} // closed when nothing is left of it
}

// startPeer starts a runc shim and waits until it answers. Its events go to s.
//
// It is started in its long-lived mode, with its socket as descriptor 3, not by its action start: that one answers differently in each
// version of containerd, takes the name of a socket that a runc shim of the same group may have, and costs one more start of a large program.
func startPeer(ctx context.Context, c Config, p *Program, s *Service) (_ *peer, err error) {
	path, err := lookUp(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := os.MkdirAll(Root, 0o700); err != nil {
		return nil, fmt.Errorf("start %s: %w", Binary, err)
	}
	dir, err := os.MkdirTemp(Root, "")
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", Binary, err)
	}
	peer := &peer{service: s, dir: dir, path: path, serving: make(chan struct{}), ended: make(chan struct{}), done: make(chan struct{})}
	if err := peer.start(ctx, c); err != nil {
		if said := peer.log.last(); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return peer, nil
}

// start does it; after an error nothing is left of the peer.
func (p *peer) start(ctx context.Context, c Config) (err error) {
	defer func() {
		if err != nil && p.cmd == nil {
			p.clean()
		}
	}()
	if p.log, err = openJournal(filepath.Join(p.dir, "log")); err != nil {
		return err
	}
	if err := p.serveEvents(); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(p.dir, "task"), Net: "unix"})
	if err != nil {
		return err
	}
	defer l.Close() // and with it goes its name: there is one client, and it is connected by then
	socket, err := l.File()
	if err != nil {
		return err
	}
	defer socket.Close()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", l.Addr().String()) // which waits for nobody to accept it
	if err != nil {
		return err
	}
	args := []string{p.path, "-namespace", c.Namespace, "-id", c.ID, "-address", c.Address}
	if c.Debug {
		args = append(args, "-debug")
	}
	stderr, err := p.log.writer()
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer stderr.Close()
	cmd := &exec.Cmd{
		Path: p.path, Args: args, Dir: p.dir, Env: p.environment(),
		Stderr: stderr, ExtraFiles: []*os.File{socket},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // as its own start does
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, conn.Close())
	}
	p.cmd = cmd
	p.client = ttrpc.NewClient(conn)
	p.started, err = sandbox.StartTime(cmd.Process.Pid)
	go p.watch()
	if err == nil {
		err = p.greet(ctx, c.ID)
	}
	if err != nil {
		p.stop()
		<-p.done
	}
	return err
}

// environment is this process's, with our events service for containerd's.
func (p *peer) environment() []string {
	own := []string{"TTRPC_ADDRESS=" + p.eventsAddress(), "GOMAXPROCS=4"} // four are what its own start gives it
	env := make([]string, 0, 64)
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if name != "TTRPC_ADDRESS" && name != "GOMAXPROCS" && !strings.HasPrefix(name, "WASMGO_") {
			env = append(env, e)
		}
	}
	return append(env, own...)
}

func (p *peer) eventsAddress() string { return filepath.Join(p.dir, "events") }

// serveEvents serves the events service for this peer.
func (p *peer) serveEvents() error {
	server, err := ttrpc.NewServer(ttrpc.WithServerHandshaker(ttrpc.UnixSocketRequireSameUser()))
	if err != nil {
		return err
	}
	eventsapi.RegisterTTRPCEventsService(server, p.service)
	l, err := net.Listen("unix", p.eventsAddress())
	if err != nil {
		return err
	}
	p.events = server
	go p.serve(l)
	return nil
}

// serve ends with clean.
func (p *peer) serve(l net.Listener) {
	defer close(p.serving)
	if err := p.events.Serve(context.Background(), l); err != nil && !errors.Is(err, ttrpc.ErrServerClosed) {
		log.L.WithError(err).Error("events of native containers are lost")
	}
}

// greet finds out which version of the Task service the peer has. It has come up when it answers.
func (p *peer) greet(ctx context.Context, id string) error {
	var err error
	for _, p.name = range serviceNames {
		err = p.call(ctx, "Connect", &taskapi.ConnectRequest{ID: id}, &taskapi.ConnectResponse{})
		if status.Code(err) != codes.Unimplemented {
			break
		}
	}
	if errors.Is(err, ttrpc.ErrClosed) {
		return fmt.Errorf("it ended at once: %w", errdefs.ErrUnavailable)
	}
	return err
}

// call is one call of its Task service.
func (p *peer) call(ctx context.Context, method string, request, answer proto.Message) error {
	return p.client.Call(ctx, p.name, method, request, answer)
}

// lives reports whether its process has not ended, as far as is known.
func (p *peer) lives() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// watch waits for the end of the process, sees to the containers it may have left, and removes what is left of the peer. It is started
// when the process is; done is closed when it ends.
func (p *peer) watch() {
	defer close(p.done)
	err := p.cmd.Wait()
	close(p.ended)
	_ = p.client.Close()
	if left := p.service.of(p); len(left) > 0 {
		log.L.WithError(err).WithField("pid", p.cmd.Process.Pid).Errorf("%s has ended before its containers", Binary)
		for _, c := range left {
			p.service.lost(c)
		}
	}
	p.clean()
	p.service.forget(p)
}

// clean removes what the peer had from us.
func (p *peer) clean() {
	if p.events != nil {
		_ = p.events.Close()
		<-p.serving
	}
	p.log.close()
	if err := os.RemoveAll(p.dir); err != nil {
		log.L.WithError(err).Warn("directory of a runc shim is left")
	}
}

// stop kills the process, if it has not ended. It does not wait.
func (p *peer) stop() { _ = p.cmd.Process.Kill() } // os.ErrProcessDone is what is wanted

// end shuts a peer without containers down and waits until nothing is left of it.
func (p *peer) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	err := p.call(ctx, "Shutdown", &taskapi.ShutdownRequest{ID: p.service.config.ID, Now: true}, &emptypb.Empty{})
	if err == nil || errors.Is(err, ttrpc.ErrClosed) { // it may be gone before its answer has come
		select {
		case <-p.done:
			return
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	log.L.WithError(err).Warnf("%s does not end and is killed", Binary)
	p.stop()
	<-p.done
}

// Binary is the shim that runs native containers.
const Binary = "containerd-shim-runc-v2"

// lookUp finds it as containerd does: along the PATH, which is the daemon's, and beside the program that containerd has started us by.
func lookUp(p *Program) (string, error) {
	path, err := exec.LookPath(Binary)
	if err == nil {
		return filepath.Abs(path)
	}
	if self := os.Args[0]; filepath.IsAbs(self) {
		if beside := filepath.Join(filepath.Dir(self), Binary); unix.Access(beside, unix.X_OK) == nil {
			return beside, nil
		}
	}
	return "", fmt.Errorf("%s is %s, not WebAssembly, and %s, which would run it, is not on the PATH of containerd (%s): install it and runc, "+
		"which come with containerd, or give the path of a .wasm file as the container's entrypoint: %w",
		p.Name, p.what(), Binary, os.Getenv("PATH"), errdefs.ErrFailedPrecondition)
}
