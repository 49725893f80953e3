package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"wasmgo/pkg/content"
)

const (
	// waitingImages is how many images may wait to be compiled; what comes beyond is compiled when it is first run.
	waitingImages = 1024
	// reconnectAfter is how long it is waited before containerd is tried again: it may be restarting, or not be there yet.
	reconnectAfter = 2 * time.Second
)

// watch compiles the images for Wasm that come into namespace, "" being any, until ctx is done.
func (p *precompiler) watch(ctx context.Context, namespace string) error {
	news := make(chan content.ImageNews, waitingImages)
	var listener sync.WaitGroup
	listener.Go(func() {
		defer close(news)
		p.listen(ctx, func(n content.ImageNews) {
			if namespace != "" && n.Namespace != namespace {
				return
			}
			select {
			case news <- n:
			default:
				fmt.Fprintf(p.err, "%s: not compiled, %d images are waiting\n", printable(n.Name), waitingImages)
			}
		})
	})
	for n := range news {
		// An image may be gone again, or be broken; the next one is not.
		if err := p.reference(ctx, n.Namespace, n.Name, true); err != nil && ctx.Err() == nil {
			fmt.Fprintf(p.err, "%s: %s\n", printable(n.Name), err)
		}
	}
	listener.Wait()
	return nil
}

// listen calls tell with what is new, over restarts of containerd, until ctx is done.
func (p *precompiler) listen(ctx context.Context, tell func(content.ImageNews)) {
	for ctx.Err() == nil {
		fmt.Fprintf(p.err, "watching the images of containerd at %s\n", p.common.address)
		err := p.listenOnce(ctx, tell)
		if ctx.Err() != nil {
			return
		}
		fmt.Fprintf(p.err, "containerd at %s: %s\n", p.common.address, err)
		select {
		case <-ctx.Done():
		case <-time.After(reconnectAfter):
		}
	}
}

func (p *precompiler) listenOnce(ctx context.Context, tell func(content.ImageNews)) error {
	client, err := content.Dial(p.common.address, p.common.namespace)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.WatchImages(ctx, tell)
}
