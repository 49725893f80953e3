// Package client sends the requests of guests: HTTP/1.1 and HTTP/2 over net/http, with the certificates and the proxies of the
// container, or, for one without certificates, the host's.
package client
