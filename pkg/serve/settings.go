package serve

import (
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// Defaults of what nobody has set. docs/http.md has them too.
const (
	defaultAddr        = ":8080"
	defaultRequests    = 128
	defaultQueue       = 1024
	defaultConnections = 4096
	defaultTimeout     = time.Minute
	defaultBody        = 1 << 30
	leastMemory        = 16 << 20 // of an instance, where the container's limit has room for few
	atLeastAtOnce      = 8        // instances that a container's limit is divided by
)

// variables are those in which images made for other runtimes name the address, the first that is set counts. PORT is only a port.
var variables = []string{"WASMTIME_HTTP_PROXY_SOCKET_ADDR", "SPIN_HTTP_LISTEN_ADDR", "PORT"}

// complete puts the defaults where nothing is set. env are the guest's variables, limits those of all instances together.
func complete(h handover.HTTP, env []string, limits engine.Limits) (handover.HTTP, error) {
	if h.Addr == "" {
		h.Addr = fromEnvironment(env)
	}
	if err := checkAddr(h.Addr); err != nil {
		return h, err
	}
	either(&h.Requests, defaultRequests)
	either(&h.Queue, defaultQueue)
	either(&h.Connections, defaultConnections)
	either(&h.Timeout, defaultTimeout)
	either(&h.Body, defaultBody)
	either(&h.Reuse, 1)
	either(&h.Waiting, runtime.NumCPU())
	h.Waiting, h.Queue = max(h.Waiting, 0), max(h.Queue, 0)
	if limits.Memory < 0 {
		either(&h.Memory, -1)
		return h, nil
	}
	// Connections, and all instances that there may be at a time, are to fit into the limit: those at work, and those waiting for work.
	h.Connections = min(h.Connections, max(1, int(limits.Memory/connectionShare/connectionMemory)))
	limits.Memory -= int64(h.Connections) * connectionMemory
	either(&h.Memory, max(limits.Memory/atLeastAtOnce, min(leastMemory, limits.Memory)))
	h.Memory = min(h.Memory, limits.Memory)
	atOnce := int(limits.Memory / h.Memory)
	h.Waiting = min(h.Waiting, atOnce/4)
	h.Requests = min(h.Requests, atOnce-h.Waiting)
	return h, nil
}

// either is a setting or, where there is none, its default.
func either[T comparable](setting *T, otherwise T) {
	var none T
	if *setting == none {
		*setting = otherwise
	}
}

// fromEnvironment is the address that the guest's variables name.
func fromEnvironment(env []string) string {
	for _, name := range variables {
		for _, e := range env {
			value, ok := strings.CutPrefix(e, name+"=")
			if !ok || value == "" {
				continue
			}
			if name == "PORT" {
				return ":" + value
			}
			return value
		}
	}
	return defaultAddr
}

// checkAddr checks that an address is host:port, with an address or nothing as the host, and a number as the port.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil && host != "" && net.ParseIP(host) == nil && host != "localhost" {
		err = fmt.Errorf("%q is no IP address", host)
	}
	if err != nil {
		return fmt.Errorf("cannot serve at %q: want an address and a port, such as 0.0.0.0:8080 or [::1]:8080: %w", addr, err)
	}
	return nil
}
