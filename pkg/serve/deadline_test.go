package serve

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/wasi/http/message"
)

// TestDeadlineOfInformation: a client that does not read what comes before its response holds a guest up no longer than its time.
func TestDeadlineOfInformation(t *testing.T) {
	ended := make(chan error, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{w: w, rc: http.NewResponseController(w)}
		var watched lines
		x.attend = func() { watched.add(&x.line, func() {}) }
		d := &deadline{x: x}
		timer := time.AfterFunc(200*time.Millisecond, func() { d.pass(http.StatusGatewayTimeout) })
		defer timer.Stop()
		hints, err := message.NewFields([]message.Field{{Name: "link", Value: []byte(strings.Repeat("x", 60<<10))}})
		if err != nil {
			ended <- err
			return
		}
		for r.Context().Err() == nil {
			if x.Inform(http.StatusEarlyHints, hints) != nil {
				break
			}
		}
		ended <- nil
	}))
	defer web.Close()
	c, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		_ = c.Close() // or the server would never end
		t.Error("the guest still waits for its client")
	}
}

// TestDeadlineBeforeBegin: an instance that is given back because the time was over before it could begin is not stopped later, when somebody
// else has it.
func TestDeadlineBeforeBegin(t *testing.T) {
	d := &deadline{x: &exchange{}}
	d.pass(http.StatusGatewayTimeout)
	if d.begin(&instance{}) {
		t.Error("there is time left")
	}
	d.pass(http.StatusRequestTimeout) // would meet an instance without a host
	if got := d.passed(); got != http.StatusGatewayTimeout {
		t.Errorf("the client is told %d", got)
	}
}
