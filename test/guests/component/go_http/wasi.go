//go:build wasip1

package main

import (
	"runtime"
	"unsafe"
)

// The functions of WASI that the program calls, as the canonical ABI lowers them: handles are numbers, strings an address and a length,
// and a result of more than one number goes to an address.

//go:wasmimport wasi:http/types@0.2.12 [constructor]fields
func newFields() uint32

//go:wasmimport wasi:http/types@0.2.12 [method]fields.append
func fieldsAppend(self uint32, name string, value string, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]fields.entries
func fieldsEntries(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.method
func requestMethod(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.path-with-query
func requestPath(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.headers
func requestHeaders(self uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-request.consume
func requestConsume(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-body.stream
func bodyStream(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [constructor]outgoing-response
func newResponse(headers uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-response.set-status-code
func responseSetStatus(self, status uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-response.body
func responseBody(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [static]response-outparam.set
func outparamSet(out, failed, response, _ uint32, _ uint64, _, _, _, _ uint32)

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-body.write
func bodyWrite(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [static]outgoing-body.finish
func bodyFinish(body, some, trailers uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [constructor]outgoing-request
func newRequest(headers uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-request.set-method
func requestSetMethod(self, method uint32, other string) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-request.set-scheme
func requestSetScheme(self, some, scheme uint32, other string) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-request.set-authority
func requestSetAuthority(self, some uint32, authority string) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-request.set-path-with-query
func requestSetPath(self, some uint32, path string) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]outgoing-request.body
func outgoingRequestBody(self uint32, result *area)

//go:wasmimport wasi:http/outgoing-handler@0.2.12 handle
func outgoingHandle(request, some, options uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]future-incoming-response.subscribe
func futureSubscribe(self uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]future-incoming-response.get
func futureGet(self uint32, result *area)

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-response.status
func responseStatus(self uint32) uint32

//go:wasmimport wasi:http/types@0.2.12 [method]incoming-response.consume
func responseConsume(self uint32, result *area)

//go:wasmimport wasi:io/poll@0.2.12 [method]pollable.block
func pollableBlock(self uint32)

//go:wasmimport wasi:io/streams@0.2.12 [method]output-stream.blocking-write-and-flush
func streamWrite(self uint32, bytes string, result *area)

//go:wasmimport wasi:io/streams@0.2.12 [method]output-stream.blocking-splice
func streamSplice(self, from uint32, most uint64, result *area)

//go:wasmimport wasi:io/streams@0.2.12 [resource-drop]input-stream
func inputDrop(self uint32)

//go:wasmimport wasi:io/streams@0.2.12 [resource-drop]output-stream
func outputDrop(self uint32)

// An area is where a result goes.
type area [64 / 8]uint64

func (a *area) u32(at int) uint32 { return *(*uint32)(unsafe.Add(unsafe.Pointer(a), at)) }

// tag is the case of a variant, an option or a result.
func (a *area) tag(at int) uint32 { return uint32(*(*uint8)(unsafe.Add(unsafe.Pointer(a), at))) }

// text is a copy of a string.
func (a *area) text(at int) string { return load(a.u32(at), a.u32(at+4)) }

// handle is the handle in a result whose payload is there.
func (a *area) handle(at int) uint32 {
	if a.tag(0) != 0 {
		panic("no handle")
	}
	return a.u32(at)
}

// load is a copy of what the host has put into memory.
func load(address, length uint32) string {
	if length == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(address))), length))
}

// given is memory that the host has asked for, which lives until release.
var given []any

func release() { given = nil }

// allocate is for strings and lists that the host returns. Under the name cabi_realloc the adapter would call it too, before Go is ready for
// that; under this one it is for imports alone.
//
//go:wasmexport cabi_import_realloc
func allocate(_, _, _, size uint32) uint32 {
	b := make([]uint64, (size+7)/8)
	given = append(given, b)
	address := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	runtime.KeepAlive(b)
	return address
}

// address is the word at an address.
func address(at uint32) *uint32 { return (*uint32)(unsafe.Pointer(uintptr(at))) }
