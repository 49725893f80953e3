package handover

import (
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCertificatesComeWithTheirGuest: and what follows is read as if nothing had come between.
func TestCertificatesComeWithTheirGuest(t *testing.T) {
	for name, c := range map[string]struct {
		send func(t *testing.T) (g Guest, without bool) // without: the kernel kept the file back
		want string
	}{
		"a guest without":                    {func(*testing.T) (Guest, bool) { return Guest{Module: "/a"}, false }, ""},
		"a guest with some":                  {func(t *testing.T) (Guest, bool) { return Guest{Module: "/a", Certificates: named(t, "bundle")}, false }, "bundle"},
		"a guest whose are not handed to it": {func(*testing.T) (Guest, bool) { return Guest{Module: "/a", WithCertificates: true}, true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			shim, runner := pair(t)
			g, without := c.send(t)
			var err error
			if without {
				err = errors.Join(Send(shim, g), sendFiles(shim, certificates, nil))
			} else {
				err = SendGuest(shim, g)
			}
			if err = errors.Join(err, Begin(shim)); err != nil {
				t.Fatal(err)
			}
			var got Guest
			if err := ReceiveGuest(int(runner.Fd()), runner, &got); err != nil {
				t.Fatal(err)
			}
			if err := AwaitBegin(runner); err != nil || got.Module != "/a" {
				t.Errorf("%q, %v", got.Module, err)
			}
			if (got.Certificates != nil) != (c.want != "") {
				t.Fatalf("file %v, want %q", got.Certificates, c.want)
			}
			if c.want == "" {
				return
			}
			if text, err := io.ReadAll(got.Certificates); err != nil || string(text) != c.want {
				t.Errorf("%q, %v", text, err)
			}
			if flags, err := unix.FcntlInt(got.Certificates.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags %#x %v, want close-on-exec", flags, err)
			}
			if err := got.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReceiveGuestRefusesAnotherMark(t *testing.T) {
	shim, runner := pair(t)
	if err := errors.Join(Send(shim, Guest{WithCertificates: true}), sendFiles(shim, birth, nil)); err != nil {
		t.Fatal(err)
	}
	if err := ReceiveGuest(int(runner.Fd()), runner, &Guest{}); !errors.Is(err, errFiles) {
		t.Errorf("error %v, want %v", err, errFiles)
	}
}
