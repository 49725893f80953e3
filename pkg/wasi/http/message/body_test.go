package message

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// news is a wake that can be waited for.
type news chan struct{}

func (n news) wake() {
	select {
	case n <- struct{}{}:
	default:
	}
}

// drain reads a body as a guest does.
func drain(t *testing.T, b *Incoming, n news) ([]byte, error) {
	t.Helper()
	var all []byte
	p := make([]byte, 1000)
	for {
		got, err := b.Read(p)
		all = append(all, p[:got]...)
		if err != nil {
			return all, err
		}
		if got == 0 {
			<-n
		}
	}
}

func TestIncoming(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	for _, tt := range []struct {
		name string
		body io.Reader
		want string
		err  error
	}{
		{"none", nil, "", io.EOF},
		{"an empty one", strings.NewReader(""), "", io.EOF},
		{"a long one", strings.NewReader(long), long, io.EOF},
		{"one that breaks off", io.MultiReader(strings.NewReader("abc"), failing{net.ErrClosed}), "abc", Code{Kind: ConnectionTerminated}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := make(news, 1)
			b := NewIncoming(Source{Body: tt.body, Trailers: func() http.Header { return http.Header{"X": {"1"}} }}, n.wake)
			got, err := drain(t, b, n)
			if string(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%d bytes and %v, want %d and %v", len(got), err, len(tt.want), tt.err)
			}
			if ended, err := b.End(); !ended || (err == nil) != errors.Is(tt.err, io.EOF) {
				t.Errorf("it has ended: %v, %v", ended, err)
			}
			if f := b.Trailers(); f == nil || !f.Has("x") {
				t.Errorf("the trailers are %v", f)
			}
			b.Stop()
			b.Stop()
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestIncomingIsReadAtTheGuestsPace: no more than two buffers ahead.
func TestIncomingIsReadAtTheGuestsPace(t *testing.T) {
	r, w := io.Pipe()
	n := make(news, 1)
	b := NewIncoming(Source{Body: r, Stop: func() { r.CloseWithError(io.ErrClosedPipe) }}, n.wake)
	if got, err := b.Read(make([]byte, 1)); got != 0 || err != nil {
		t.Fatalf("%d bytes, %v before there is something", got, err)
	}
	written := make(chan int)
	go func() {
		total := 0
		for {
			got, err := w.Write(make([]byte, window))
			if total += got; err != nil {
				written <- total
				return
			}
		}
	}()
	<-n // the first buffer is there
	b.Stop()
	if total := <-written; total > 3*window {
		t.Errorf("%d bytes were read ahead", total)
	}
}

// TestDiscardedBody: its end and trailers come although nobody reads it.
func TestDiscardedBody(t *testing.T) {
	n := make(news, 1)
	b := NewIncoming(Source{Body: bytes.NewReader(make([]byte, 10*window))}, n.wake)
	if _, err := b.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	b.Discard()
	for ended := false; !ended; ended, _ = b.End() {
		<-n
	}
	b.Stop()
}

func TestOutgoing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length int64
		writes []string
		abort  bool
		want   string
		finish error
		read   error
	}{
		{"nothing", -1, nil, false, "", nil, io.EOF},
		{"as long as it said", 5, []string{"ab", "cde"}, false, "abcde", nil, io.EOF},
		{"shorter than it said", 5, []string{"ab"}, false, "ab", Code{Kind: ResponseBodySize}, errIncomplete},
		{"given up", -1, []string{"ab"}, true, "ab", nil, errIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := NewOutgoing(tt.length, ResponseBodySize, func() {})
			for _, w := range tt.writes {
				if err := o.Write([]byte(w)); err != nil {
					t.Fatal(err)
				}
			}
			trailers := &Fields{}
			var err error
			if tt.abort {
				o.Abort()
			} else if err = o.Finish(trailers); (err != nil) != (tt.finish != nil) {
				t.Errorf("finish: %v", err)
			}
			if code, ok := errors.AsType[Code](err); ok && code.Kind != ResponseBodySize {
				t.Errorf("finish: %v", err)
			}
			got, err := io.ReadAll(o)
			if errors.Is(tt.read, io.EOF) {
				tt.read = nil
			}
			if string(got) != tt.want || !errors.Is(err, tt.read) {
				t.Errorf("read %q, %v", got, err)
			}
			if whole := tt.finish == nil && !tt.abort; (o.Trailers() == trailers) != whole {
				t.Errorf("trailers %v", o.Trailers())
			}
		})
	}
	o := NewOutgoing(2, RequestBodySize, func() {})
	if code, ok := errors.AsType[Code](o.Write([]byte("abc"))); !ok || code.Kind != RequestBodySize || *code.Payload.(*uint64) != 3 {
		t.Errorf("more than it said: %v", code)
	}
}

// TestOutgoingIsFull: the guest waits for the connection, and learns when that is gone.
func TestOutgoingIsFull(t *testing.T) {
	n := make(news, 1)
	o := NewOutgoing(-1, ResponseBodySize, n.wake)
	for room, err := o.CheckWrite(); room > 0; room, err = o.CheckWrite() {
		if err == nil {
			err = o.Write(make([]byte, min(room, 5000)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	<-n
	if room, err := o.CheckWrite(); room != 100 || err != nil {
		t.Errorf("room for %d, %v, after 100 were read", room, err)
	}
	o.Fail(unix.EPIPE)
	<-n
	if _, err := o.CheckWrite(); CodeOf(err).Kind != ConnectionTerminated {
		t.Errorf("error %v when the connection is gone", err)
	}
	if _, err := o.Read(make([]byte, 1)); err == nil {
		t.Error("it can be read still")
	}
}

func TestCodes(t *testing.T) {
	if len(Names) != int(InternalError)+1 {
		t.Fatalf("%d names for %d kinds", len(Names), InternalError+1)
	}
	for _, tt := range []struct {
		err  error
		want Kind
	}{
		{&net.OpError{Op: "dial", Err: unix.ECONNREFUSED}, ConnectionRefused},
		{&net.DNSError{IsNotFound: true}, DNSError},
		{&net.DNSError{IsTimeout: true}, DNSTimeout},
		{&net.OpError{Op: "dial", Err: unix.ENETUNREACH}, DestinationIPUnroutable},
		{io.ErrUnexpectedEOF, ConnectionTerminated},
		{&http.MaxBytesError{Limit: 5}, RequestBodySize},
		{errors.New("something"), InternalError},
		{Code{Kind: LoopDetected}, LoopDetected},
	} {
		if got := CodeOf(tt.err).Kind; got != tt.want {
			t.Errorf("%v is %v, want %v", tt.err, got, tt.want)
		}
	}
}
