package serve

import (
	"runtime"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
	"wasmgo/pkg/wasi"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/keyvalue"
)

// HTTP is what package runner lacks by itself.
type HTTP struct{}

var _ runner.HTTP = HTTP{}

// Extend adds wasi:http and wasi:keyvalue to the world of one instance, as far as it needs them.
func (HTTP) Extend(e runner.Extension) (parts []func(*wasiio.Host) wasi.Part, err error) {
	if e.Needs&handover.NeedsHTTP != 0 {
		c := newClient(e)
		parts = append(parts, func(io *wasiio.Host) wasi.Part { return wasihttp.New(io, c) })
	}
	b, err := openBuckets(e)
	if b != nil {
		parts = append(parts, func(io *wasiio.Host) wasi.Part { return ended{keyvalue.New(io, b.Store), b} })
	}
	return parts, err
}

// Instances is how many there are at a time: those at work, those that wait, and those that go.
func (HTTP) Instances(h handover.HTTP) int {
	either(&h.Requests, defaultRequests)
	return h.Requests + max(h.Waiting, runtime.NumCPU()) + spare
}

// spare is room for instances that are on their way out.
const spare = 8

func newClient(e runner.Extension) *client.Client {
	return client.New(client.Config{Env: e.Env, DenyTCP: e.Deny.TCP, DenyDNS: e.Deny.DNS, Host: e.Certificates})
}
