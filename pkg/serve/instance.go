package serve

import (
	"errors"
	"sync"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	wasiio "wasmgo/pkg/wasi/io"
)

// A world is what one instance sees of the outside. When the instance is gone it can be another one's: half of what an instance costs is
// the description of its host.
type world struct {
	host       *wasi.Host
	http       *wasihttp.Host
	interfaces []*wit.Interface
	urge       func() // of the request that is answered, or nil
}

// An instance of the component, for one request at a time.
type instance struct {
	*world
	store     *corewasm.Store
	interrupt *corewasm.Interrupt
	component *component.Instance
	served    int
}

// A factory makes instances.
type factory struct {
	service
	client *client.Client
	worlds chan *world // that no instance has

	once   sync.Once
	linked *component.Linked
	err    error // why it cannot be linked
}

// world is one that no instance has.
func (f *factory) world() (*world, error) {
	select {
	case w := <-f.worlds:
		return w, nil
	default:
	}
	w := &world{}
	host, err := f.World(func(io *wasiio.Host) wasi.Part {
		w.http = wasihttp.New(io, f.client)
		return w.http
	})
	if err != nil {
		return nil, err
	}
	w.host, w.interfaces = host, host.Interfaces()
	w.http.Urge(func() {
		if w.urge != nil {
			w.urge()
		}
	})
	return w, nil
}

// make makes an instance. It runs code of the guest, bounded in nothing but memory.
func (f *factory) make() (_ *instance, err error) {
	w, err := f.world()
	if err != nil {
		return nil, err
	}
	i := &instance{world: w}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.unmake(i))
		}
	}()
	f.once.Do(func() { f.linked, f.err = f.Program.Link(w.interfaces...) })
	if f.err != nil {
		return nil, f.err
	}
	i.store = corewasm.NewStore(f.Engine)
	i.interrupt = i.store.Interruptible(f.Engine)
	i.store.Limit(f.settings.Memory, f.Limits.Table)
	i.component, err = f.linked.Instantiate(i.store, w.interfaces...)
	return i, err
}

// stop ends what the guest does, and all that it would do later. It may be called by any goroutine, also after the instance is gone.
func (i *instance) stop() {
	i.interrupt.Stop()
	i.host.Interrupt()
}

// unmake ends an instance with all that the guest has left. Its world is kept, if it can be another one's.
func (f *factory) unmake(i *instance) error {
	kept := i.host.Reset()
	if i.store != nil {
		i.store.Close()
	}
	if kept {
		select {
		case f.worlds <- i.world:
			return nil
		default:
		}
	}
	return i.host.Close()
}

// drop ends an instance, and complains if that goes wrong.
func (f *factory) drop(i *instance) {
	if err := f.unmake(i); err != nil {
		f.Complain(err.Error())
	}
}

// close frees the worlds that are left.
func (f *factory) close() {
	for {
		select {
		case w := <-f.worlds:
			if err := w.host.Close(); err != nil {
				f.Complain(err.Error())
			}
		default:
			return
		}
	}
}
