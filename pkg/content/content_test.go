package content

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/test/fakecontent"
)

func dial(t *testing.T, s *fakecontent.Store, namespace string) *Client {
	t.Helper()
	c, err := Dial("unix://"+s.Address, namespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestBlobs(t *testing.T) {
	s := fakecontent.Serve(t)
	c := dial(t, s, fakecontent.Namespace)
	text := []byte(strings.Repeat("content ", 100))
	d := s.Blob("text/plain", text).Digest
	empty := s.Blob("text/plain", nil).Digest
	if got, err := c.Read(t.Context(), d, int64(len(text))); err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := c.Read(t.Context(), empty, 0); err != nil || len(got) != 0 {
		t.Errorf("an empty one: %q, %v", got, err)
	}
	if _, err := c.Read(t.Context(), d, int64(len(text))-1); !errors.Is(err, ErrDamaged) {
		t.Errorf("longer than it may be: %v", err)
	}
	failure := errors.New("disk full")
	if err := c.Copy(t.Context(), failing{failure}, d, 1<<20); !errors.Is(err, failure) {
		t.Errorf("to a full disk: %v", err)
	}
	s.Damage(d, text[1:])
	if _, err := c.Read(t.Context(), d, 1<<20); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	s.Lose(d)
	if _, err := c.Read(t.Context(), d, 1<<20); !errdefs.IsNotFound(err) {
		t.Errorf("lost: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRecords(t *testing.T) {
	s := fakecontent.Serve(t)
	s.Container(&containersapi.Container{ID: "c", Image: "img", Labels: map[string]string{"a": "b"}})
	target := s.Blob("x", nil)
	s.Image("img", target, time.Unix(1, 0))
	c := dial(t, s, fakecontent.Namespace)
	r, err := c.Container(t.Context(), "c")
	if err != nil || r.Image != "img" || r.ImageID != "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if err := c.LabelContainer(t.Context(), "c", "key", "value"); err != nil || s.Labels("c")["key"] != "value" || s.Labels("c")["a"] != "b" {
		t.Errorf("%v, labels %v", err, s.Labels("c"))
	}
	if i, err := c.Image(t.Context(), "img"); err != nil || i.Target.Digest != target.Digest || !i.UpdatedAt.Equal(time.Unix(1, 0)) {
		t.Errorf("got %+v, %v", i, err)
	}
	for name, ask := range map[string]func(*Client) error{
		"container": func(c *Client) error { _, err := c.Container(t.Context(), "c2"); return err },
		"image":     func(c *Client) error { _, err := c.Image(t.Context(), "img2"); return err },
		"label":     func(c *Client) error { return c.LabelContainer(t.Context(), "c2", "k", "v") },
	} {
		if err := ask(c); !errdefs.IsNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := dial(t, s, "other").Container(t.Context(), "c"); !errdefs.IsNotFound(err) {
		t.Errorf("in another namespace: %v", err)
	}
}

// A client over a connection that was given to it makes no other.
func TestOver(t *testing.T) {
	s := fakecontent.Serve(t)
	s.Container(&containersapi.Container{ID: "c"})
	conn, err := net.Dial("unix", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Over(conn, fakecontent.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Container(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Container(t.Context(), "c"); !errdefs.IsUnavailable(err) {
		t.Errorf("when it is closed: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	c, err := Dial(t.TempDir()+"/sock", "x")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Container(t.Context(), "c"); !errdefs.IsUnavailable(err) {
		t.Errorf("got %v", err)
	}
}

func FuzzCRIMetadata(f *testing.F) {
	f.Add("x/Metadata", []byte(`{"Version":"v1","Metadata":{"ImageRef":"sha256:1"}}`))
	f.Fuzz(func(t *testing.T, typeURL string, value []byte) {
		id, digest := criImage(map[string]*anypb.Any{criMetadata: {TypeUrl: typeURL, Value: value}})
		if got := id + digest; got != "" && !strings.HasSuffix(typeURL, "/Metadata") {
			t.Errorf("%q out of a %q", got, typeURL)
		}
	})
}
