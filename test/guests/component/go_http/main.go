//go:build wasip1

// A server in Go. The module is a reactor of WASI 0.1 that an adapter makes a component of; the interfaces of HTTP it calls itself.
//
//	/hello    a line of text
//	/echo     the request's body, as it comes
//	/headers  the request's headers as text, with the status 201 and the header x-language
//	/proxy    fetches the URL in the header x-target, with the request's method and body, and passes the response on
//	/panic    panics
package main

import (
	"strings"
)

func main() {}

//go:wasmexport wasi:http/incoming-handler@0.2.12#handle
func handle(request, out uint32) {
	defer release()
	var a area
	requestPath(request, &a)
	switch path, _, _ := strings.Cut(a.text(4), "?"); path {
	case "/hello":
		respond(out, 200, "hello from Go\n")
	case "/echo":
		body := begin(out, 200)
		move(consume(request), body)
		finish(body)
	case "/headers":
		var text strings.Builder
		for _, f := range fields(requestHeaders(request)) {
			text.WriteString(f.name + ": " + f.value + "\n")
		}
		respond(out, 201, text.String(), field{"x-language", "Go"})
	case "/proxy":
		proxy(request, out)
	case "/panic":
		panic("a panic of Go")
	default:
		respond(out, 404, "no such thing\n")
	}
}

type field struct{ name, value string }

func fields(handle uint32) (list []field) {
	var a area
	fieldsEntries(handle, &a)
	for i := range a.u32(4) {
		entry := a.u32(0) + 16*i
		word := func(n uint32) uint32 { return *address(entry + 4*n) }
		list = append(list, field{load(word(0), word(1)), load(word(2), word(3))})
	}
	return list
}

// begin sends a response's header, and returns its body.
func begin(out, status uint32, headers ...field) (body uint32) {
	var a area
	list := newFields()
	for _, f := range headers {
		fieldsAppend(list, f.name, f.value, &a)
	}
	response := newResponse(list)
	responseSetStatus(response, status)
	responseBody(response, &a)
	outparamSet(out, 0, response, 0, 0, 0, 0, 0, 0)
	return a.handle(4)
}

func finish(body uint32) {
	var a area
	bodyFinish(body, 0, 0, &a)
	if a.tag(0) != 0 {
		panic("the body has no good end")
	}
}

func respond(out, status uint32, text string, headers ...field) {
	body := begin(out, status, headers...)
	var a area
	bodyWrite(body, &a)
	stream := a.handle(4)
	for len(text) > 0 {
		part := text[:min(len(text), 4096)] // what one call takes
		text = text[len(part):]
		if streamWrite(stream, part, &a); a.tag(0) != 0 {
			panic("the body cannot be written")
		}
	}
	outputDrop(stream)
	finish(body)
}

func consume(request uint32) (body uint32) {
	var a area
	requestConsume(request, &a)
	return a.handle(4)
}

// move has the host move a body into another, until its end.
func move(from, to uint32) {
	var a area
	bodyStream(from, &a)
	in := a.handle(4)
	bodyWrite(to, &a)
	out := a.handle(4)
	for a.tag(0) == 0 {
		streamSplice(out, in, 1<<20, &a)
	}
	if a.tag(8) != 1 {
		panic("the body broke off")
	}
	inputDrop(in)
	outputDrop(out)
}

func proxy(request, out uint32) {
	target := ""
	for _, f := range fields(requestHeaders(request)) {
		if f.name == "x-target" {
			target = f.value
		}
	}
	authority, path, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
	var a area
	r := newRequest(newFields())
	requestMethod(request, &a)
	method := a.tag(0)
	if requestSetMethod(r, method, "")|requestSetScheme(r, 1, 0, "")|requestSetAuthority(r, 1, authority)|requestSetPath(r, 1, "/"+path) != 0 {
		panic("no such request")
	}
	outgoingRequestBody(r, &a)
	up := a.handle(4)
	outgoingHandle(r, 0, 0, &a)
	future := a.handle(8)
	move(consume(request), up)
	finish(up)
	pollableBlock(futureSubscribe(future))
	futureGet(future, &a)
	if a.tag(16) != 0 {
		respond(out, 502, "no response")
		return
	}
	response := a.u32(24)
	body := begin(out, responseStatus(response))
	responseConsume(response, &a)
	move(a.handle(4), body)
	finish(body)
}
