package filesystem

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/types"
)

func TestErrorCodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want ErrorCode
		none bool
	}{
		{name: "an errno", err: unix.EACCES, want: Access},
		{name: "the first", err: unix.EACCES, want: 0},
		{name: "the last", err: unix.EXDEV, want: 36},
		{name: "a read-only file system", err: unix.EROFS, want: ReadOnly},
		{name: "an errno with words around it", err: &os.PathError{Op: "open", Path: "x", Err: unix.ELOOP}, want: Loop},
		{name: "would block by its other name", err: unix.EWOULDBLOCK, want: WouldBlock},
		{name: "not supported by its other name", err: unix.EOPNOTSUPP, want: Unsupported},
		{name: "too many open files", err: unix.EMFILE, want: InsufficientMemory},
		{name: "an errno that WIT does not know", err: unix.EHOSTDOWN, want: IO},
		{name: "the end", err: io.EOF, none: true},
		{name: "another error of the host", err: errors.New("the disk is on fire"), none: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, ok := codeOf(tt.err)
			if ok == tt.none || ok && code != tt.want {
				t.Errorf("is %d, %t, want %d", code, ok, tt.want)
			}
			if p := errorCode(tt.err); (p == nil) != tt.none || p != nil && *p != code {
				t.Errorf("to a guest it is %v", p)
			}
		})
	}
}

// TestEveryErrorCodeIsSomeErrno: each case of WIT is what some error of the system becomes, and no number is beyond the cases.
func TestEveryErrorCodeIsSomeErrno(t *testing.T) {
	labels := errorCodeType.WIT().(*types.Enum).Labels
	missing := map[ErrorCode]bool{}
	for i := range labels {
		missing[ErrorCode(i)] = true
	}
	for errno, code := range codes {
		if int(code) >= len(labels) {
			t.Errorf("%v is %d of %d cases", errno, code, len(labels))
		}
		delete(missing, code)
	}
	for code := range missing {
		t.Errorf("no errno is %s", labels[code])
	}
}
