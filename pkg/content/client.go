package content

import (
	"context"
	"fmt"
	"net"
	"strings"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// namespaceHeader is the metadata in which containerd expects the namespace (namespaces.GRPCHeader).
const namespaceHeader = "containerd-namespace"

// Client is a connection to containerd in one of its namespaces. Its owner closes it.
type Client struct {
	conn      *grpc.ClientConn
	namespace string

	containers containersapi.ContainersClient
	images     imagesapi.ImagesClient
	content    contentapi.ContentClient
}

// Dial connects to containerd's socket, a path with or without "unix://". That nobody listens there shows with the first call.
func Dial(address, namespace string) (*Client, error) {
	path := strings.TrimPrefix(address, "unix://")
	return newClient(namespace, func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	})
}

// Over uses a connection that stands. Closing the client closes it.
func Over(conn net.Conn, namespace string) (*Client, error) {
	once := make(chan net.Conn, 1)
	once <- conn
	return newClient(namespace, func(context.Context, string) (net.Conn, error) {
		select {
		case conn := <-once:
			return conn, nil
		default:
			return nil, fmt.Errorf("the connection to containerd was lost: %w", net.ErrClosed)
		}
	})
}

func newClient(namespace string, dial func(context.Context, string) (net.Conn, error)) (*Client, error) {
	conn, err := grpc.NewClient("passthrough:///containerd",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dial),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to containerd: %w", err)
	}
	return &Client{
		conn: conn, namespace: namespace,
		containers: containersapi.NewContainersClient(conn),
		images:     imagesapi.NewImagesClient(conn),
		content:    contentapi.NewContentClient(conn),
	}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Conn is the connection itself, for services that are not in here.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Context is ctx with the client's namespace in it, for calls over Conn.
func (c *Client) Context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, namespaceHeader, c.namespace)
}

// native turns an error of a call into one of errdefs.
func native(err error) error {
	if err == nil {
		return nil
	}
	return errgrpc.ToNative(err)
}
