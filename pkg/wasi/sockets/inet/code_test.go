package inet

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

// TestErrorsOfTheKernel: those that no test of a socket can bring about, and that the same errno means different things.
func TestErrorsOfTheKernel(t *testing.T) {
	for _, tt := range []struct {
		op    string
		errno unix.Errno
		want  string
	}{
		{opSocket, unix.EAFNOSUPPORT, "not-supported"},
		{opBind, unix.EAFNOSUPPORT, "invalid-argument"},
		{opSocket, unix.ENFILE, "new-socket-limit"},
		{opSocket, unix.ENOBUFS, "out-of-memory"},
		{opBind, unix.EADDRNOTAVAIL, "address-not-bindable"},
		{opConnect, unix.EADDRNOTAVAIL, "address-in-use"},
		{opSend, unix.EADDRNOTAVAIL, "invalid-argument"},
		{opConnect, unix.EHOSTDOWN, "remote-unreachable"},
		{opConnect, unix.ECONNABORTED, "connection-aborted"},
		{opConnect, unix.EALREADY, "concurrency-conflict"},
		{opAccept, unix.EHOSTUNREACH, "connection-aborted"},
		{opAccept, unix.ECONNABORTED, "connection-aborted"},
		{opAccept, unix.ETIMEDOUT, "timeout"},
		{opRead, unix.ENETRESET, "connection-reset"},
		{opReceive, unix.ENETRESET, "remote-unreachable"},
		{opReceive, unix.EDESTADDRREQ, "invalid-state"},
		{opSend, unix.EDESTADDRREQ, "invalid-argument"},
		{opSend, unix.EPERM, "access-denied"},
		{opRead, unix.EIO, "unknown"},
	} {
		err := fmt.Errorf("wrapped: %w", fail(tt.op, tt.errno))
		want(t, tt.op+" "+tt.errno.Error(), err, tt.want)
		if !errors.Is(err, tt.errno) {
			t.Errorf("%v hides its errno", err)
		}
	}
	if err := fail(opRead, unix.EAGAIN); !errors.Is(err, WouldBlock) {
		t.Errorf("EAGAIN is %v", err)
	}
	want(t, "no errno at all", fail(opRead, io.ErrNoProgress), "unknown")
	if _, is := CodeOf(io.EOF); is {
		t.Error("the end of a stream has a code")
	}
	if len(Labels) != int(PermanentResolverFailure)+1 || WouldBlock.Error() != "would-block" || NameUnresolvable.Error() != "name-unresolvable" {
		t.Error("the labels are not those of the codes")
	}
}
