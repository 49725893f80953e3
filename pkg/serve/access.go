package serve

import (
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"
)

// An accessLog has a line of JSON for each request. A nil one has none.
type accessLog struct {
	mu sync.Mutex
	to *os.File // guarded by mu, so that lines stay whole
}

// newAccessLog makes a log for a name: "stdout", "stderr", or "" for none.
func newAccessLog(name string) *accessLog {
	switch name {
	case "stdout":
		return &accessLog{to: os.Stdout}
	case "stderr":
		return &accessLog{to: os.Stderr}
	}
	return nil
}

// accessLine is what a line says.
type accessLine struct {
	Time      time.Time `json:"time"`
	Remote    string    `json:"remote"`
	Method    string    `json:"method"`
	Host      string    `json:"host"`
	Path      string    `json:"path"`
	Proto     string    `json:"proto"`
	Status    int       `json:"status"`
	Bytes     int64     `json:"bytes"`
	Seconds   float64   `json:"seconds"`
	UserAgent string    `json:"user_agent,omitempty"`
	Broken    bool      `json:"broken,omitempty"` // the client has not got all of the response
}

// note writes the line of a request.
func (l *accessLog) note(r *http.Request, x *exchange, began time.Time) {
	if l == nil {
		return
	}
	line, err := json.Marshal(accessLine{
		Time: began.UTC(), Remote: r.RemoteAddr, Method: r.Method, Host: r.Host, Path: r.URL.RequestURI(), Proto: r.Proto,
		Status: x.status, Bytes: x.bytes, Seconds: time.Since(began).Seconds(), UserAgent: r.UserAgent(), Broken: x.broken,
	})
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(append(line, '\n')) // a log that nobody reads any more stops no server
}
