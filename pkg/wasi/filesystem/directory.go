package filesystem

import (
	"errors"
	"io"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/filesystem/beneath"
)

// directoryEntryStream is the resource directory-entry-stream.
func (h *Host) directoryEntryStream() []wit.Item {
	return []wit.Item{
		h.readings,
		// read-directory-entry: func() -> result<option<directory-entry>, error-code>
		wit.Func1("[method]directory-entry-stream.read-directory-entry", wit.Param("self", h.readings.Borrow()),
			wit.Result(wit.Option(entryType), errorCodeType, codeOf),
			func(_ *wit.Call, r *beneath.Reading) (*beneath.Entry, error) {
				e, err := r.Next()
				if errors.Is(err, io.EOF) {
					return nil, nil
				}
				return &e, err
			}),
	}
}
