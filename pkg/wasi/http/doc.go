// Package http is wasi:http: the interfaces types and outgoing-handler for components to import, and the call of their incoming-handler.
// Import it as wasihttp.
//
// It is thin: fields, error codes and bodies are package message's, requests that guests send are package client's, and those that they
// answer come from whoever calls [Host.Handle]. Files and functions are in the order of the WIT.
//
//	Handle ─▶ incoming-handler.handle(incoming-request, response-outparam)
//	              │ incoming-body ◀── message.Incoming ◀── the connection
//	              │ outgoing-response ──▶ Responder
//	              ▼ outgoing-body ──▶ message.Outgoing ──▶ the connection
package http
