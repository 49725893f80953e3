package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"

	"wasmgo/pkg/wasi/http/message"
)

// Defaults of what a request's options do not say. A guest that waits for a server which never answers is told so in the end.
const (
	connectTimeout = time.Minute
	idleTimeout    = 90 * time.Second
	maxHeader      = 1 << 20 // bytes of a response's header
)

// Config is what of its container a client knows.
type Config struct {
	// Env are the guest's variables: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in upper or lower case, and SSL_CERT_FILE and SSL_CERT_DIR.
	Env []string
	// DenyTCP refuses every request; DenyDNS those to hosts that are not addresses.
	DenyTCP, DenyDNS bool
	// Host is the host's bundle of certificates, or nil. It is read at its beginning, whatever its offset, when it is wanted; the caller
	// closes it, after the client.
	Host *os.File
}

// A Client sends requests, of any number of guests at a time, over connections that it keeps. Close closes those that are idle.
type Client struct {
	config Config

	once      sync.Once
	transport *http.Transport
	err       error // why there is none
}

// New makes a client. Nothing is read or opened before the first request.
func New(c Config) *Client { return &Client{config: c} }

// open makes the transport.
func (c *Client) open() (*http.Transport, error) {
	c.once.Do(func() {
		env := variables(c.config.Env)
		proxies := httpproxy.Config{
			HTTPProxy: env.either("HTTP_PROXY", "http_proxy"), HTTPSProxy: env.either("HTTPS_PROXY", "https_proxy"),
			NoProxy: env.either("NO_PROXY", "no_proxy"),
		}
		proxy := proxies.ProxyFunc()
		trusted, err := trust(env["SSL_CERT_FILE"], env["SSL_CERT_DIR"], distributions, c.config.Host)
		if c.err = err; err != nil {
			return
		}
		c.transport = &http.Transport{
			Proxy:                  func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
			DialContext:            dial,
			TLSClientConfig:        trusted,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // the guest has its own ideas of what to accept
			IdleConnTimeout:        idleTimeout,
			MaxIdleConnsPerHost:    32,
			MaxResponseHeaderBytes: maxHeader,
		}
	})
	return c.transport, c.err
}

// dial connects. That localhost is this machine needs no file to say so (RFC 6761), which many images with a component have not.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host != "localhost" {
		return d.DialContext(ctx, network, address)
	}
	c, err := d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if six, err := d.DialContext(ctx, network, net.JoinHostPort("::1", port)); err == nil {
			return six, nil
		}
	}
	return c, err
}

// Dial connects as requests do.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, network, address)
}

// Trust is whom requests believe.
func (c *Client) Trust() (*tls.Config, error) {
	env := variables(c.config.Env)
	return trust(env["SSL_CERT_FILE"], env["SSL_CERT_DIR"], distributions, c.config.Host)
}

// Close closes the connections that are idle. Requests that run go on; there are no new ones.
func (c *Client) Close() {
	c.once.Do(func() { c.err = message.Code{Kind: message.ConfigurationError} })
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// environment is the guest's.
type environment map[string]string

func variables(env []string) environment {
	m := environment{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		m[name] = value
	}
	return m
}

func (e environment) either(a, b string) string {
	if e[a] != "" {
		return e[a]
	}
	return e[b]
}

// permitted is the policy: why a request to a host may not be made, or nil.
func (c *Client) permitted(authority string) error {
	if c.config.DenyTCP {
		return message.Code{Kind: message.RequestDenied}
	}
	host := authority
	if h, _, err := net.SplitHostPort(authority); err == nil {
		host = h
	}
	if c.config.DenyDNS && net.ParseIP(strings.Trim(host, "[]")) == nil {
		return message.Code{Kind: message.RequestDenied}
	}
	return nil
}

// request is the request as net/http has it.
func (r *Request) request(ctx context.Context) (*http.Request, error) {
	u, err := url.Parse(r.Scheme + "://" + r.Authority + r.Path)
	if err != nil || u.Host == "" {
		return nil, message.Code{Kind: message.RequestURIInvalid}
	}
	h := &http.Request{
		Method: r.Method, URL: u, Host: r.Authority, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r.Header.AddTo(h.Header)
	if _, ok := h.Header["User-Agent"]; !ok {
		h.Header["User-Agent"] = []string{""} // or Go would name itself
	}
	if r.Body == nil {
		return h.WithContext(ctx), nil
	}
	h.ContentLength = r.Length
	h.Header.Del("Content-Length")
	if b, whole := r.Body.Whole(); whole && r.Body.Trailers() == nil {
		h.ContentLength = int64(len(b))
	}
	if h.ContentLength == 0 {
		return h.WithContext(ctx), nil
	}
	// Trailers are filled in when the body ends. HTTP/2 wants their names before, which a guest gives in the header Trailer.
	h.Trailer = http.Header{}
	for _, names := range h.Header["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			h.Trailer[http.CanonicalHeaderKey(strings.TrimSpace(name))] = nil
		}
	}
	h.Header.Del("Trailer")
	h.Body = &sent{r.Body, h.Trailer}
	return h.WithContext(ctx), nil
}

// sent is a body on its way out, as net/http reads it.
type sent struct {
	*message.Outgoing
	trailer http.Header
}

func (s *sent) Read(p []byte) (int, error) {
	n, err := s.Outgoing.Read(p)
	if err != nil {
		s.Trailers().AddTo(s.trailer)
	}
	return n, err
}

// Close ends the body where net/http wants no more of it.
func (s *sent) Close() error {
	s.Fail(message.Code{Kind: message.ConnectionTerminated})
	return nil
}
