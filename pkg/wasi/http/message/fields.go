package message

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	wasiio "wasmgo/pkg/wasi/io"
)

// maxFields bounds the names and values of one [Fields], in bytes: far more than any server takes, and little enough that a guest
// cannot fill the host's memory with them unseen.
const maxFields = 1 << 20

// A FieldError is a header-error of WIT: why fields could not be changed.
type FieldError uint8

// The cases of header-error, in the order of the WIT.
const (
	ErrSyntax    FieldError = iota // a name or value that is none
	ErrForbidden                   // a name that is the host's business
	ErrImmutable                   // fields that are not to be changed
)

func (e FieldError) Error() string {
	return [...]string{"invalid syntax of a field", "a field that only the host may set", "the fields are immutable"}[e]
}

// A Field is a header or trailer. Several may have one name.
type Field struct {
	Name  string
	Value []byte
}

// Fields are headers or trailers, in their order. The zero value has none.
type Fields struct {
	list   []Field
	size   int
	frozen bool
}

// forbidden are the fields that belong to a connection, or that the host makes itself of other things.
var forbidden = map[string]bool{
	"connection": true, "host": true, "http2-settings": true, "keep-alive": true, "proxy-connection": true,
	"transfer-encoding": true, "upgrade": true,
}

// NewFields is fields of a list, which must be well-formed.
func NewFields(list []Field) (*Fields, error) {
	f := &Fields{}
	for _, e := range list {
		if err := f.Append(e.Name, e.Value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Received is the immutable fields of a message that came in, by name, without those that are the host's.
func Received(h http.Header) *Fields {
	f := &Fields{list: make([]Field, 0, len(h))}
	for _, key := range slices.Sorted(maps.Keys(h)) {
		name := strings.ToLower(key)
		if forbidden[name] {
			continue
		}
		for _, v := range h[key] {
			f.list = append(f.list, Field{name, []byte(v)})
		}
	}
	f.frozen = true
	return f
}

// Freeze makes the fields immutable.
func (f *Fields) Freeze() { f.frozen = true }

// Clone is a copy that can be changed.
func (f *Fields) Clone() *Fields { return &Fields{list: slices.Clone(f.list), size: f.size} }

// Entries are all fields. The caller does not change them.
func (f *Fields) Entries() []Field { return f.list }

// Get is the values of a name; without any it is empty.
func (f *Fields) Get(name string) [][]byte {
	var values [][]byte
	for _, e := range f.list {
		if strings.EqualFold(e.Name, name) {
			values = append(values, e.Value)
		}
	}
	return values
}

// Has reports whether there is a field of that name.
func (f *Fields) Has(name string) bool {
	return slices.ContainsFunc(f.list, func(e Field) bool { return strings.EqualFold(e.Name, name) })
}

// Set makes values the only ones of a name.
func (f *Fields) Set(name string, values [][]byte) error {
	if err := f.check(name, values...); err != nil {
		return err
	}
	f.remove(name)
	for _, v := range values {
		f.add(name, v)
	}
	return f.bounded()
}

// Append adds a value to those of a name.
func (f *Fields) Append(name string, value []byte) error {
	if err := f.check(name, value); err != nil {
		return err
	}
	f.add(name, value)
	return f.bounded()
}

// Delete removes all values of a name, of which there may be none.
func (f *Fields) Delete(name string) error {
	if err := f.check(name); err != nil {
		return err
	}
	f.remove(name)
	return nil
}

// check is the rules of every change, in the order in which their breach is told.
func (f *Fields) check(name string, values ...[]byte) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return ErrSyntax
	}
	if forbidden[strings.ToLower(name)] {
		return ErrForbidden
	}
	for _, v := range values {
		if !httpguts.ValidHeaderFieldValue(string(v)) {
			return ErrSyntax
		}
	}
	if f.frozen {
		return ErrImmutable
	}
	return nil
}

func (f *Fields) add(name string, value []byte) {
	f.list = append(f.list, Field{name, value})
	f.size += len(name) + len(value)
}

func (f *Fields) remove(name string) {
	f.list = slices.DeleteFunc(f.list, func(e Field) bool {
		same := strings.EqualFold(e.Name, name)
		if same {
			f.size -= len(e.Name) + len(e.Value)
		}
		return same
	})
}

// bounded ends a guest that makes fields without end: WIT has no error for it.
func (f *Fields) bounded() error {
	if f.size > maxFields {
		return wasiio.Misuse(fmt.Sprintf("fields of more than %d bytes", maxFields))
	}
	return nil
}

// AddTo adds the fields to a header of Go's.
func (f *Fields) AddTo(h http.Header) {
	if f == nil {
		return
	}
	for _, e := range f.list {
		key := textproto.CanonicalMIMEHeaderKey(e.Name)
		h[key] = append(h[key], string(e.Value))
	}
}
