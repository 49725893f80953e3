package task

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/proto"
)

// The versions of the service that containerd may call. Their messages are the same on the wire to the last field
// number; only the package's name differs. So both are served from the messages of v2, whose Go package, unlike v3's,
// does not bring grpc into the shim.
var serviceNames = []string{"containerd.task.v2.Task", "containerd.task.v3.Task"}

// NewServer returns a ttrpc server of the given service, whose errors are those of this program or of the API. Peers decides whom it
// serves. Watch is around each call; called is run after it, on the call's goroutine.
func NewServer(s taskapi.TTRPCTaskService, peers ttrpc.Handshaker, watch ttrpc.UnaryServerInterceptor, called func()) (*ttrpc.Server, error) {
	server, err := ttrpc.NewServer(
		ttrpc.WithServerHandshaker(peers),
		ttrpc.WithUnaryServerInterceptor(func(ctx context.Context, u ttrpc.Unmarshaler, info *ttrpc.UnaryServerInfo, m ttrpc.Method) (any, error) {
			defer called()
			return watch(ctx, u, info, func(ctx context.Context, unmarshal func(any) error) (any, error) {
				return mapErrors(ctx, unmarshal, m)
			})
		}),
	)
	if err != nil {
		return nil, err
	}
	desc := &ttrpc.ServiceDesc{Methods: map[string]ttrpc.Method{
		"Checkpoint": method[taskapi.CheckpointTaskRequest](s.Checkpoint),
		"CloseIO":    method[taskapi.CloseIORequest](s.CloseIO),
		"Connect":    method[taskapi.ConnectRequest](s.Connect),
		"Create":     method[taskapi.CreateTaskRequest](s.Create),
		"Delete":     method[taskapi.DeleteRequest](s.Delete),
		"Exec":       method[taskapi.ExecProcessRequest](s.Exec),
		"Kill":       method[taskapi.KillRequest](s.Kill),
		"Pause":      method[taskapi.PauseRequest](s.Pause),
		"Pids":       method[taskapi.PidsRequest](s.Pids),
		"ResizePty":  method[taskapi.ResizePtyRequest](s.ResizePty),
		"Resume":     method[taskapi.ResumeRequest](s.Resume),
		"Shutdown":   method[taskapi.ShutdownRequest](s.Shutdown),
		"Start":      method[taskapi.StartRequest](s.Start),
		"State":      method[taskapi.StateRequest](s.State),
		"Stats":      method[taskapi.StatsRequest](s.Stats),
		"Update":     method[taskapi.UpdateTaskRequest](s.Update),
		"Wait":       method[taskapi.WaitRequest](s.Wait),
	}}
	for _, name := range serviceNames {
		server.RegisterService(name, desc)
	}
	return server, nil
}

// method makes a verb callable over ttrpc.
func method[Q any, P interface {
	*Q
	proto.Message
}, R proto.Message](verb func(context.Context, P) (R, error)) ttrpc.Method {
	return func(ctx context.Context, unmarshal func(any) error) (any, error) {
		request := P(new(Q))
		if err := unmarshal(request); err != nil {
			return nil, err
		}
		return verb(ctx, request)
	}
}

// mapErrors is the one border where errors of this program become errors of the API.
func mapErrors(ctx context.Context, unmarshal ttrpc.Unmarshaler, method ttrpc.Method) (any, error) {
	answer, err := method(ctx, unmarshal)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return answer, nil
}
