package serve

import (
	"runtime"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
	"wasmgo/pkg/wasi"
	wasihttp "wasmgo/pkg/wasi/http"
	"wasmgo/pkg/wasi/http/client"
	wasiio "wasmgo/pkg/wasi/io"
)

// HTTP is what package runner lacks by itself.
type HTTP struct{}

var _ runner.HTTP = HTTP{}

// Extend adds wasi:http to the world of instances, which share the connections that they make.
func (HTTP) Extend(env []string, deny handover.Deny) func(*wasiio.Host) wasi.Part {
	c := newClient(env, deny)
	return func(io *wasiio.Host) wasi.Part { return wasihttp.New(io, c) }
}

// Instances is how many there are at a time: those at work, those that wait, and those that go.
func (HTTP) Instances(h handover.HTTP) int {
	either(&h.Requests, defaultRequests)
	return h.Requests + max(h.Waiting, runtime.NumCPU()) + spare
}

// spare is room for instances that are on their way out.
const spare = 8

func newClient(env []string, deny handover.Deny) *client.Client {
	return client.New(client.Config{Env: env, DenyTCP: deny.TCP, DenyDNS: deny.DNS})
}
