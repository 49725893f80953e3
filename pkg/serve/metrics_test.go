package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestScrapers: who holds connections for figures without end loses the oldest, and the next one is answered.
func TestScrapers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := new(metrics).serve(l)
	defer stop()
	var held []net.Conn
	for range scrapers + 5 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	last := held[len(held)-1]
	_ = last.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(last, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(last); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 200 ") {
		t.Errorf("%.40q, %v", b, err)
	}
	_ = held[0].SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := held[0].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first one is there still: %v", err)
	}
}
