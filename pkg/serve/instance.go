package serve

import (
	"errors"
	"sync"
	"time"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	wasiio "wasmgo/pkg/wasi/io"
)

// An instance of the component, for one request at a time. What a guest can change of it is made anew for the next one, by the engine: its
// memories, tables, globals and segments. The rest, which is most of what an instance costs, stays: the description of its host and how
// that and the core modules are tied together.
type instance struct {
	host      *wasi.Host
	http      *wasihttp.Host
	store     *corewasm.Store
	interrupt *corewasm.Interrupt
	component *component.Instance
	urge      func() // of the request that is answered, or nil
	served    int
}

// A factory makes instances.
type factory struct {
	service
	client *client.Client
	empty  chan *instance // those whose guest is gone, and that can have another one

	once   sync.Once
	linked *component.Linked
	err    error // why it cannot be linked
}

// make makes an instance. It runs code of the guest, its start functions, in no more memory and time than a request may have.
func (f *factory) make() (*instance, error) {
	var i *instance
	var err error
	select {
	case i = <-f.empty:
		err = f.started(i, i.component.Renew)
	default:
		i = &instance{}
		err = f.build(i)
	}
	if err != nil {
		return nil, errors.Join(err, i.close())
	}
	return i, nil
}

// build makes all of an instance.
func (f *factory) build(i *instance) (err error) {
	parts := []func(*wasiio.Host) wasi.Part{func(io *wasiio.Host) wasi.Part {
		i.http = wasihttp.New(io, f.client)
		return i.http
	}}
	if f.buckets != nil {
		parts = append(parts, f.buckets.part)
	}
	if i.host, err = f.World(parts...); err != nil {
		return err
	}
	i.http.Urge(func() {
		if i.urge != nil {
			i.urge()
		}
	})
	interfaces := i.host.Interfaces()
	f.once.Do(func() { f.linked, f.err = f.Program.Link(interfaces...) })
	if f.err != nil {
		return f.err
	}
	i.store = corewasm.NewStore(f.Engine)
	i.interrupt = i.store.Interruptible()
	i.store.Limit(f.settings.Memory, f.Limits.Table)
	return f.started(i, func() (err error) {
		i.component, err = f.linked.Instantiate(i.store, interfaces...)
		return err
	})
}

// errSlowStart says that a guest's start functions do not come to an end.
var errSlowStart = errors.New("the guest has not started within http-timeout")

// started starts a guest, which has as much time for it as a request.
func (f *factory) started(i *instance, start func() error) error {
	limit := time.AfterFunc(f.settings.Timeout, i.stop)
	err := start()
	if !limit.Stop() {
		return errSlowStart // and could do nothing any more
	}
	return err
}

// stop ends what the guest does, and all that it would do later. It may be called by any goroutine, also after the instance is gone.
func (i *instance) stop() {
	i.interrupt.Stop()
	i.host.Interrupt()
}

// close ends an instance for good.
func (i *instance) close() error {
	if i.store != nil {
		i.store.Close()
	}
	if i.host != nil {
		return i.host.Close()
	}
	return nil
}

// drop ends an instance with all that the guest has left, and complains if that goes wrong. It is kept for another guest if it can be.
func (f *factory) drop(i *instance) {
	if i.host.Reset() {
		i.component.Empty()
		i.served = 0
		select {
		case f.empty <- i:
			return
		default:
		}
	}
	if err := i.close(); err != nil {
		f.Complain(err.Error())
	}
}

// close frees the instances that are left, which have no guest.
func (f *factory) close() {
	for {
		select {
		case i := <-f.empty:
			if err := i.close(); err != nil {
				f.Complain(err.Error())
			}
		default:
			return
		}
	}
}
