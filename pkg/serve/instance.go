package serve

import (
	"errors"
	"sync"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	wasiio "wasmgo/pkg/wasi/io"
)

// An instance of the component, for one request at a time.
type instance struct {
	host      *wasi.Host
	http      *wasihttp.Host
	store     *corewasm.Store
	interrupt *corewasm.Interrupt
	component *component.Instance
	served    int
	urge      func() // of the request that it answers, or nil
}

// A factory makes instances.
type factory struct {
	service
	client *client.Client

	once   sync.Once
	linked *component.Linked
	err    error // why it cannot be linked
}

// make makes an instance. It runs code of the guest, bounded in nothing but memory.
func (f *factory) make() (_ *instance, err error) {
	i := &instance{}
	i.host, err = f.World(func(io *wasiio.Host) wasi.Part {
		i.http = wasihttp.New(io, f.client)
		return i.http
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	interfaces := i.host.Interfaces()
	f.once.Do(func() { f.linked, f.err = f.Program.Link(interfaces...) })
	if f.err != nil {
		return nil, f.err
	}
	i.http.Urge(func() {
		if i.urge != nil {
			i.urge()
		}
	})
	i.store = corewasm.NewStore(f.Engine)
	i.interrupt = i.store.Interruptible(f.Engine)
	i.store.Limit(f.settings.Memory, f.Limits.Table)
	i.component, err = f.linked.Instantiate(i.store, interfaces...)
	return i, err
}

// stop ends what the guest does, and all that it would do later. It may be called by any goroutine, also after close.
func (i *instance) stop() {
	i.interrupt.Stop()
	i.host.Interrupt()
}

// close frees the instance with all that the guest has left.
func (i *instance) close() error {
	err := i.host.Close()
	if i.store != nil {
		i.store.Close()
	}
	return err
}
