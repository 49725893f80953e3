package http

import (
	"errors"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// entryType is tuple<field-name, field-value>.
var entryType = wit.Tuple(
	wit.Field("name", wit.String, func(f *message.Field) *string { return &f.Name }),
	wit.Field("value", wit.Bytes, func(f *message.Field) *[]byte { return &f.Value }))

var entriesType, valuesType = wit.List(entryType), wit.List(wit.Bytes)

// changed is result<T, header-error>.
func changed[T any](t wit.Type[T]) wit.Type[T] {
	return wit.Result(t, headerError, func(err error) (message.FieldError, bool) { return errors.AsType[message.FieldError](err) })
}

var noChange = changed(wit.None)

// fieldsItems is the resource fields.
func (h *Host) fieldsItems() []wit.Item {
	self, name := wit.Param("self", h.fields.Borrow()), wit.Param("name", wit.String)
	return []wit.Item{
		// constructor()
		wit.Func0("[constructor]fields", h.fields.Own(), func(*wit.Call) (*message.Fields, error) { return &message.Fields{}, nil }),
		// from-list: static func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>
		wit.Func1("[static]fields.from-list", wit.Param("entries", entriesType), changed(h.fields.Own()),
			func(_ *wit.Call, list []message.Field) (*message.Fields, error) { return message.NewFields(list) }),
		// get: func(name: field-name) -> list<field-value>
		wit.Func2("[method]fields.get", self, name, valuesType,
			func(_ *wit.Call, f *message.Fields, name string) ([][]byte, error) { return f.Get(name), nil }),
		// has: func(name: field-name) -> bool
		wit.Func2("[method]fields.has", self, name, wit.Bool,
			func(_ *wit.Call, f *message.Fields, name string) (bool, error) { return f.Has(name), nil }),
		// set: func(name: field-name, value: list<field-value>) -> result<_, header-error>
		wit.Func3("[method]fields.set", self, name, wit.Param("value", valuesType), noChange,
			func(_ *wit.Call, f *message.Fields, name string, v [][]byte) (none struct{}, err error) {
				return none, f.Set(name, v)
			}),
		// delete: func(name: field-name) -> result<_, header-error>
		wit.Func2("[method]fields.delete", self, name, noChange,
			func(_ *wit.Call, f *message.Fields, name string) (none struct{}, err error) {
				return none, f.Delete(name)
			}),
		// append: func(name: field-name, value: field-value) -> result<_, header-error>
		wit.Func3("[method]fields.append", self, name, wit.Param("value", wit.Bytes), noChange,
			func(_ *wit.Call, f *message.Fields, name string, v []byte) (none struct{}, err error) {
				return none, f.Append(name, v)
			}),
		// entries: func() -> list<tuple<field-name, field-value>>
		get("[method]fields.entries", self, entriesType, (*message.Fields).Entries),
		// clone: func() -> fields
		get("[method]fields.clone", self, h.fields.Own(), (*message.Fields).Clone),
	}
}
