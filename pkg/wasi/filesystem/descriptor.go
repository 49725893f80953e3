package filesystem

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/filesystem/beneath"
	wasiio "wasmgo/pkg/wasi/io"
)

type (
	descriptor = *beneath.Descriptor
	none       = struct{}
)

// descriptor is the resource descriptor.
func (h *Host) descriptor() []wit.Item {
	result := wit.Result(wit.None, errorCodeType, codeOf) // result<_, error-code>
	self := wit.Param("self", h.Descriptors.Borrow())
	pathFlag := wit.Param("path-flags", pathFlagsType)
	path := wit.Param("path", wit.String)
	offset := wit.Param("offset", filesizeType)
	to := wit.Param("new-descriptor", h.Descriptors.Borrow())
	newPath := wit.Param("new-path", wit.String)
	accessed := wit.Param("data-access-timestamp", newTimestampType)
	modified := wit.Param("data-modification-timestamp", newTimestampType)
	outputs := wit.Result(h.io.Outputs.Own(), errorCodeType, codeOf)
	stats := wit.Result(statType, errorCodeType, codeOf)
	hashes := wit.Result(hashType, errorCodeType, codeOf)

	return []wit.Item{
		h.Descriptors,

		// read-via-stream: func(offset: filesize) -> result<input-stream, error-code>
		wit.Func2("[method]descriptor.read-via-stream", self, offset, wit.Result(h.io.Inputs.Own(), errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor, offset uint64) (*wasiio.Input, error) {
				return h.input(d.ReadViaStream(offset))
			}),
		// write-via-stream: func(offset: filesize) -> result<output-stream, error-code>
		wit.Func2("[method]descriptor.write-via-stream", self, offset, outputs,
			func(_ *wit.Call, d descriptor, offset uint64) (*wasiio.Output, error) {
				return h.output(d.WriteViaStream(offset))
			}),
		// append-via-stream: func() -> result<output-stream, error-code>
		wit.Func1("[method]descriptor.append-via-stream", self, outputs,
			func(_ *wit.Call, d descriptor) (*wasiio.Output, error) { return h.output(d.AppendViaStream()) }),
		// advise: func(offset: filesize, length: filesize, advice: advice) -> result<_, error-code>
		wit.Func4("[method]descriptor.advise", self, offset, wit.Param("length", filesizeType), wit.Param("advice", adviceType), result,
			func(_ *wit.Call, d descriptor, offset, length uint64, a beneath.Advice) (v none, err error) {
				return v, d.Advise(offset, length, a)
			}),
		// sync-data: func() -> result<_, error-code>
		wit.Func1("[method]descriptor.sync-data", self, result,
			func(_ *wit.Call, d descriptor) (v none, err error) { return v, d.SyncData() }),
		// get-flags: func() -> result<descriptor-flags, error-code>
		wit.Func1("[method]descriptor.get-flags", self, wit.Result(descriptorFlagsType, errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor) (beneath.Flags, error) { return d.Flags(), nil }),
		// get-type: func() -> result<descriptor-type, error-code>
		wit.Func1("[method]descriptor.get-type", self, wit.Result(descriptorTypeType, errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor) (beneath.Kind, error) { return d.Kind(), nil }),
		// set-size: func(size: filesize) -> result<_, error-code>
		wit.Func2("[method]descriptor.set-size", self, wit.Param("size", filesizeType), result,
			func(_ *wit.Call, d descriptor, size uint64) (v none, err error) { return v, d.SetSize(size) }),
		// set-times: func(data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp) -> result<_, error-code>
		wit.Func3("[method]descriptor.set-times", self, accessed, modified, result,
			func(_ *wit.Call, d descriptor, accessed, modified beneath.NewTime) (v none, err error) {
				return v, d.SetTimes(accessed, modified)
			}),
		// read: func(length: filesize, offset: filesize) -> result<tuple<list<u8>, bool>, error-code>
		wit.Func3("[method]descriptor.read", self, wit.Param("length", filesizeType), offset, wit.Result(partType, errorCodeType, codeOf), h.read),
		// write: func(buffer: list<u8>, offset: filesize) -> result<filesize, error-code>
		wit.Func3("[method]descriptor.write", self, wit.Param("buffer", wit.View), offset, wit.Result(filesizeType, errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor, b []byte, offset uint64) (uint64, error) {
				n, err := d.Write(b, offset)
				return uint64(n), err
			}),
		// read-directory: func() -> result<directory-entry-stream, error-code>
		wit.Func1("[method]descriptor.read-directory", self, wit.Result(h.readings.Own(), errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor) (*beneath.Reading, error) { return d.ReadDirectory() }),
		// sync: func() -> result<_, error-code>
		wit.Func1("[method]descriptor.sync", self, result,
			func(_ *wit.Call, d descriptor) (v none, err error) { return v, d.Sync() }),
		// create-directory-at: func(path: string) -> result<_, error-code>
		wit.Func2("[method]descriptor.create-directory-at", self, path, result,
			func(_ *wit.Call, d descriptor, path string) (v none, err error) { return v, d.CreateDirectoryAt(path) }),
		// stat: func() -> result<descriptor-stat, error-code>
		wit.Func1("[method]descriptor.stat", self, stats,
			func(_ *wit.Call, d descriptor) (stat, error) { return statOf(d.Stat()) }),
		// stat-at: func(path-flags: path-flags, path: string) -> result<descriptor-stat, error-code>
		wit.Func3("[method]descriptor.stat-at", self, pathFlag, path, stats,
			func(_ *wit.Call, d descriptor, f pathFlags, path string) (stat, error) {
				return statOf(d.StatAt(f.follow(), path))
			}),
		// set-times-at: func(path-flags: path-flags, path: string, data-access-timestamp: new-timestamp,
		// data-modification-timestamp: new-timestamp) -> result<_, error-code>
		wit.Func5("[method]descriptor.set-times-at", self, pathFlag, path, accessed, modified, result,
			func(_ *wit.Call, d descriptor, f pathFlags, path string, accessed, modified beneath.NewTime) (v none, err error) {
				return v, d.SetTimesAt(f.follow(), path, accessed, modified)
			}),
		// link-at: func(old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string)
		// -> result<_, error-code>
		wit.Func5("[method]descriptor.link-at", self, wit.Param("old-path-flags", pathFlagsType), wit.Param("old-path", wit.String),
			to, newPath, result,
			func(_ *wit.Call, d descriptor, f pathFlags, path string, to descriptor, newPath string) (v none, err error) {
				return v, d.LinkAt(f.follow(), path, to, newPath)
			}),
		// open-at: func(path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags)
		// -> result<descriptor, error-code>
		wit.Func5("[method]descriptor.open-at", self, pathFlag, path, wit.Param("open-flags", openFlagsType),
			wit.Param("flags", descriptorFlagsType), wit.Result(h.Descriptors.Own(), errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor, f pathFlags, path string, open beneath.OpenFlags, flags beneath.Flags) (descriptor, error) {
				return d.OpenAt(f.follow(), path, open, flags)
			}),
		// readlink-at: func(path: string) -> result<string, error-code>
		wit.Func2("[method]descriptor.readlink-at", self, path, wit.Result(wit.String, errorCodeType, codeOf),
			func(_ *wit.Call, d descriptor, path string) (string, error) { return d.ReadlinkAt(path) }),
		// remove-directory-at: func(path: string) -> result<_, error-code>
		wit.Func2("[method]descriptor.remove-directory-at", self, path, result,
			func(_ *wit.Call, d descriptor, path string) (v none, err error) { return v, d.RemoveDirectoryAt(path) }),
		// rename-at: func(old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>
		wit.Func4("[method]descriptor.rename-at", self, wit.Param("old-path", wit.String), to, newPath, result,
			func(_ *wit.Call, d descriptor, path string, to descriptor, newPath string) (v none, err error) {
				return v, d.RenameAt(path, to, newPath)
			}),
		// symlink-at: func(old-path: string, new-path: string) -> result<_, error-code>
		wit.Func3("[method]descriptor.symlink-at", self, wit.Param("old-path", wit.String), newPath, result,
			func(_ *wit.Call, d descriptor, target, newPath string) (v none, err error) {
				return v, d.SymlinkAt(target, newPath)
			}),
		// unlink-file-at: func(path: string) -> result<_, error-code>
		wit.Func2("[method]descriptor.unlink-file-at", self, path, result,
			func(_ *wit.Call, d descriptor, path string) (v none, err error) { return v, d.UnlinkFileAt(path) }),
		// is-same-object: func(other: borrow<descriptor>) -> bool
		wit.Func2("[method]descriptor.is-same-object", self, wit.Param("other", h.Descriptors.Borrow()), wit.Bool,
			func(_ *wit.Call, d, other descriptor) (bool, error) { return d.IsSameObject(other), nil }),
		// metadata-hash: func() -> result<metadata-hash-value, error-code>
		wit.Func1("[method]descriptor.metadata-hash", self, hashes,
			func(_ *wit.Call, d descriptor) (beneath.Hash, error) { return d.MetadataHash() }),
		// metadata-hash-at: func(path-flags: path-flags, path: string) -> result<metadata-hash-value, error-code>
		wit.Func3("[method]descriptor.metadata-hash-at", self, pathFlag, path, hashes,
			func(_ *wit.Call, d descriptor, f pathFlags, path string) (beneath.Hash, error) {
				return d.MetadataHashAt(f.follow(), path)
			}),
	}
}
