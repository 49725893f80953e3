// Package serve answers HTTP requests with instances of a component that exports wasi:http/incoming-handler.
//
//	connections     at most Connections, and as many as there are descriptors and memory for; HTTP/1.1 and HTTP/2 without TLS. More push
//	     │          out those that idle, and wait while there are none
//	requests        a goroutine of net/http each
//	     │
//	gate            at most Requests at a time; Queue more wait, the others get 503
//	     │
//	pool            an instance that nobody has used, made by the request before, after its response, or by the request itself
//	     │
//	exchange        runs the guest on the request's goroutine. A short response is sent when the guest has returned, by the same
//	     │          goroutine: no other thread is woken for it. A long one, or one that the guest waits in the middle of, is sent by a
//	     │          goroutine of its own, for which the request's waits.
//	     └─ timer   at the end of its time the guest is stopped (the engine's epoch), its waits end, and the client gets 504
//	     └─ line    how long the client was waited for. One that is slow gives its place up as soon as others wait at the gate
//
// Everything about one request ends with it: its instance with all that the guest has left open, its goroutines, its timer, and the rest of
// its body, of which nothing may be taken for the next request. A trap is a 500 for this request, and a broken connection if the response
// has begun. When the last client has gone, what a crowd has left is given back.
package serve
