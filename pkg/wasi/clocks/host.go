package clocks

import (
	"time"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Host is wasi:clocks for one instance.
type Host struct {
	io    *wasiio.Host
	start time.Time // 0 of the monotonic clock; with a monotonic reading
	zone  *time.Location
}

// New makes a host. zone is what the guest's time zone is; nil is that it has none, which WASI says is UTC.
func New(io *wasiio.Host, zone *time.Location) *Host {
	return &Host{io: io, start: time.Now(), zone: zone}
}

// Restart has the monotonic clock begin anew.
func (h *Host) Restart() { h.start = time.Now() }

// Interfaces are those of the package wasi:clocks.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:clocks/monotonic-clock@"+wasiio.Version, h.monotonicClock),
		wit.Later("wasi:clocks/wall-clock@"+wasiio.Version, h.wallClock),
		wit.Later("wasi:clocks/timezone@"+wasiio.Version, h.timezone),
	}
}
