package handover

import "time"

// HTTP is how a component is served that exports wasi:http/incoming-handler, as far as somebody has said. Zero values are left to the
// runner, whose package serve has the defaults.
type HTTP struct {
	// Addr is where to listen, host:port, where the host may be empty for all addresses of both families.
	Addr string `json:",omitempty"`
	// MetricsAddr is where to give figures about the requests, in the same form; "" is nowhere.
	MetricsAddr string `json:",omitempty"`
	// AccessLog is where each request is noted: "stdout", "stderr" or "" for nowhere.
	AccessLog string `json:",omitempty"`
	// Requests is how many are answered at a time, and Queue how many more wait for that.
	Requests, Queue int `json:",omitempty"`
	// Connections is how many clients there may be at a time.
	Connections int `json:",omitempty"`
	// Reuse is how many requests an instance answers, one after the other.
	Reuse int `json:",omitempty"`
	// Waiting is how many instances are made ahead of the requests for them; below 0 is none.
	Waiting int `json:",omitempty"`
	// Timeout bounds a request, from its header to the end of its response.
	Timeout time.Duration `json:",omitempty"`
	// Body bounds the body of a request, in bytes.
	Body int64 `json:",omitempty"`
	// Memory bounds each linear memory of an instance, in bytes.
	Memory int64 `json:",omitempty"`
}
