package native

import (
	"context"
	"strings"
	"time"

	"github.com/containerd/containerd/api/events"
	eventsapi "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Topics of the events that this package publishes itself (containerd, core/runtime/events.go).
const (
	topicExit   = "/tasks/exit"
	topicDelete = "/tasks/delete"
)

// Forward is containerd's events service, as far as runc's shim calls it. An event is taken as soon as it is queued: containerd may be
// away for longer than runc's shim would try.
func (s *Service) Forward(_ context.Context, r *eventsapi.ForwardRequest) (*emptypb.Empty, error) {
	e := r.GetEnvelope()
	if e.GetEvent() == nil {
		return nil, errgrpc.ToGRPCf(errdefs.ErrInvalidArgument, "forward without an event")
	}
	id, event, err := decode(e.Event)
	if err != nil {
		return nil, errgrpc.ToGRPCf(errdefs.ErrInvalidArgument, "event %s: %s", e.Event.TypeUrl, err)
	}
	s.mu.Lock()
	c := s.containers[id]
	s.mu.Unlock()
	switch {
	case event == nil:
		s.events.Forward(e)
	case c == nil: // it is deleted, and that has been announced
		log.L.WithField("topic", e.Topic).WithField("id", id).Warn("event of a container that is not there is dropped")
	default:
		for _, e := range c.observe(e, event) {
			s.events.Forward(e)
		}
		c.announced()
	}
	return &emptypb.Empty{}, nil
}

// decode returns the events that change what is known of a container, and whose it is; no event for others.
func decode(packed *anypb.Any) (id string, event proto.Message, err error) {
	switch name := packed.TypeUrl[strings.LastIndexByte(packed.TypeUrl, '/')+1:]; name {
	case "containerd.events.TaskCreate":
		return into(packed, &events.TaskCreate{})
	case "containerd.events.TaskStart":
		return into(packed, &events.TaskStart{})
	case "containerd.events.TaskExecStarted":
		return into(packed, &events.TaskExecStarted{})
	case "containerd.events.TaskExit":
		return into(packed, &events.TaskExit{})
	case "containerd.events.TaskDelete":
		return into(packed, &events.TaskDelete{})
	}
	return "", nil, nil
}

func into[E interface {
	proto.Message
	GetContainerID() string
}](packed *anypb.Any, event E) (string, proto.Message, error) {
	if err := proto.Unmarshal(packed.Value, event); err != nil {
		return "", nil, err
	}
	return event.GetContainerID(), event, nil
}

// envelope is an event as containerd wants it: under its plain name, without the prefix of anypb.New.
func envelope(namespace, topic string, event proto.Message) (*types.Envelope, error) {
	value, err := proto.Marshal(event)
	if err != nil {
		return nil, err
	}
	return &types.Envelope{
		Timestamp: timestamppb.New(time.Now()), Namespace: namespace, Topic: topic,
		Event: &anypb.Any{TypeUrl: string(event.ProtoReflect().Descriptor().FullName()), Value: value},
	}, nil
}
