package content

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/api/events"
	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/typeurl/v2"
)

// ImageNews is that a name has got an image, or another than before.
type ImageNews struct {
	Namespace, Name string
}

// WatchImages calls tell for each image that comes or changes, in whatever namespace, until ctx is done or the connection is lost,
// which is an error in any case. Tell must not take long: containerd does not wait for ever.
func (c *Client) WatchImages(ctx context.Context, tell func(ImageNews)) error {
	stream, err := eventsapi.NewEventsClient(c.conn).Subscribe(ctx, &eventsapi.SubscribeRequest{
		Filters: []string{`topic=="/images/create"`, `topic=="/images/update"`},
	})
	if err != nil {
		return native(err)
	}
	for {
		envelope, err := stream.Recv()
		if err != nil {
			return native(err)
		}
		event, err := typeurl.UnmarshalAny(envelope.GetEvent())
		if err != nil {
			return fmt.Errorf("event %s: %w", envelope.GetTopic(), err)
		}
		switch e := event.(type) {
		case *events.ImageCreate:
			tell(ImageNews{envelope.GetNamespace(), e.GetName()})
		case *events.ImageUpdate:
			tell(ImageNews{envelope.GetNamespace(), e.GetName()})
		}
	}
}
