package message

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	wasiio "wasmgo/pkg/wasi/io"
)

func b(values ...string) (out [][]byte) {
	for _, v := range values {
		out = append(out, []byte(v))
	}
	return out
}

func TestFields(t *testing.T) {
	f, err := NewFields([]Field{{"A", []byte("1")}, {"b", []byte("2")}, {"a", []byte("3")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Get("a"); !reflect.DeepEqual(got, b("1", "3")) {
		t.Errorf("a is %q", got)
	}
	if f.Has("c") || !f.Has("B") || f.Get("c") != nil {
		t.Error("names are not told apart")
	}
	clone := f.Clone()
	if err := errors.Join(clone.Set("A", b("x", "y")), clone.Delete("b"), clone.Delete("none"), clone.Append("c", []byte("\t\xff"))); err != nil {
		t.Error(err)
	}
	if got := clone.Entries(); len(got) != 3 || string(clone.Get("a")[1]) != "y" || clone.Has("b") {
		t.Errorf("the clone has %q", got)
	}
	if len(f.Entries()) != 3 || !f.Has("b") {
		t.Errorf("changing the clone has changed the fields: %q", f.Entries())
	}
	h := http.Header{}
	clone.AddTo(h)
	if want := (http.Header{"A": {"x", "y"}, "C": {"\t\xff"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("as a header %q, want %q", h, want)
	}
}

func TestFieldsThatMayNotBe(t *testing.T) {
	for _, tt := range []struct {
		name, field, value string
		want               error
	}{
		{"no name", "", "x", ErrSyntax},
		{"a name with a space", "a b", "x", ErrSyntax},
		{"a name with a colon", "a:", "x", ErrSyntax},
		{"a name that is no ASCII", "häuser", "x", ErrSyntax},
		{"a value of two lines", "a", "x\r\nb: y", ErrSyntax},
		{"a value with a NUL", "a", "\x00", ErrSyntax},
		{"the host's own", "Host", "x", ErrForbidden},
		{"the connection's", "transfer-encoding", "chunked", ErrForbidden},
		{"the connection's in capitals", "KEEP-ALIVE", "x", ErrForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &Fields{}
			_, listed := NewFields([]Field{{tt.field, []byte(tt.value)}})
			for what, err := range map[string]error{"from-list": listed, "set": f.Set(tt.field, b(tt.value)), "append": f.Append(tt.field, []byte(tt.value))} {
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: error %v, want %v", what, err, tt.want)
				}
			}
			if len(f.Entries()) != 0 {
				t.Errorf("there is %q", f.Entries())
			}
		})
	}
}

func TestImmutableFields(t *testing.T) {
	f := Received(http.Header{"X-B": {"1", "2"}, "A": {"3"}, "Connection": {"close"}, "Upgrade": {"x"}})
	if names := slices.Collect(func(yield func(string) bool) {
		for _, e := range f.Entries() {
			if !yield(e.Name) {
				return
			}
		}
	}); !slices.Equal(names, []string{"a", "x-b", "x-b"}) {
		t.Errorf("the names are %q", names)
	}
	for what, err := range map[string]error{"set": f.Set("a", nil), "append": f.Append("c", nil), "delete": f.Delete("none")} {
		if !errors.Is(err, ErrImmutable) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if err := f.Clone().Append("c", nil); err != nil {
		t.Errorf("a clone: %v", err)
	}
}

// TestFieldsWithoutEnd: a guest cannot fill the host's memory with them.
func TestFieldsWithoutEnd(t *testing.T) {
	f := &Fields{}
	value := []byte(strings.Repeat("x", 1000))
	for range 2 * maxFields / len(value) {
		if err := f.Append("a", value); err != nil {
			if _, ok := errors.AsType[wasiio.Misuse](err); !ok {
				t.Errorf("error %v", err)
			}
			return
		}
	}
	t.Error("there is no end")
}
