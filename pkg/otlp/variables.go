package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Lookup is the value of an environment variable, "" for one that is not there: [os.Getenv], or the same of another environment.
type Lookup func(name string) string

// Prefixes of variables: what is said for traces goes before what is said for all signals.
const (
	forTraces = "OTEL_EXPORTER_OTLP_TRACES_"
	forAll    = "OTEL_EXPORTER_OTLP_"
)

// of is the value of a variable, and the name under which it was found.
func (l Lookup) of(name string) (value, as string) {
	for _, prefix := range []string{forTraces, forAll} {
		if value := strings.TrimSpace(l(prefix + name)); value != "" {
			return value, prefix + name
		}
	}
	return "", forAll + name
}

// Wanted reports whether the environment wants traces sent: it names an endpoint, and does not say otherwise. An error names the variable
// that cannot be honoured.
func (l Lookup) Wanted() (bool, error) {
	endpoint, _ := l.of("ENDPOINT")
	if endpoint == "" || strings.EqualFold(strings.TrimSpace(l("OTEL_SDK_DISABLED")), "true") {
		return false, nil
	}
	switch exporter := strings.TrimSpace(l("OTEL_TRACES_EXPORTER")); exporter {
	case "", "otlp":
		return true, nil
	case "none":
		return false, nil
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER=%s is not supported; otlp and none are", exporter)
	}
}

// The protocols.
const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// exportPath is the method of gRPC, and tracePath where traces go below an endpoint for all signals.
const (
	exportPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	tracePath  = "v1/traces"
)

// defaultTimeout bounds one export with all its tries.
const defaultTimeout = 10 * time.Second

// settings are what the variables say.
type settings struct {
	grpc    bool
	url     *url.URL
	header  http.Header
	timeout time.Duration
	gzip    bool
	tls     *tls.Config // nil where the URL has none
}

// read reads the variables. An error names the one that is wrong.
func read(l Lookup, trust func() (*tls.Config, error)) (s settings, err error) {
	protocol, name := l.of("PROTOCOL")
	switch protocol {
	case "", protocolHTTP:
	case protocolGRPC:
		s.grpc = true
	default:
		return s, fmt.Errorf("%s=%s is not supported; %s and %s are", name, protocol, protocolHTTP, protocolGRPC)
	}
	if err := s.readEndpoint(l); err != nil {
		return s, err
	}
	if s.header, err = readHeaders(l); err != nil {
		return s, err
	}
	s.timeout = defaultTimeout
	if value, name := l.of("TIMEOUT"); value != "" {
		ms, err := strconv.ParseUint(value, 10, 31)
		if err != nil || ms == 0 {
			return s, fmt.Errorf("%s=%s: want milliseconds", name, value)
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	switch value, name := l.of("COMPRESSION"); value {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		return s, fmt.Errorf("%s=%s is not supported; gzip and none are", name, value)
	}
	if s.url.Scheme == "https" {
		s.tls, err = readTLS(l, trust)
	}
	return s, err
}

var errEndpoint = errors.New("want a URL, such as http://collector:4318")

// readEndpoint reads where to send to.
func (s *settings) readEndpoint(l Lookup) error {
	value, name := l.of("ENDPOINT")
	text := value
	if s.grpc && !strings.Contains(text, "://") {
		// Without a scheme it is host:port, with TLS unless somebody says otherwise.
		scheme := "https://"
		if insecure, _ := l.of("INSECURE"); strings.EqualFold(insecure, "true") {
			scheme = "http://"
		}
		text = scheme + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s=%s: %w", name, value, errEndpoint)
	}
	switch {
	case s.grpc:
		u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: exportPath}
	case name == forAll+"ENDPOINT":
		u = u.JoinPath(tracePath)
	}
	s.url = u
	return nil
}

// readHeaders reads pairs with commas between them, whose values are percent-encoded.
func readHeaders(l Lookup) (http.Header, error) {
	h := http.Header{}
	value, name := l.of("HEADERS")
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, text, ok := strings.Cut(pair, "=")
		text, err := url.PathUnescape(strings.TrimSpace(text))
		if !ok || err != nil || strings.TrimSpace(key) == "" {
			return nil, fmt.Errorf("%s: want name=value pairs with commas between them, values percent-encoded", name) // they may be secret
		}
		h.Set(strings.TrimSpace(key), text)
	}
	return h, nil
}

// readTLS reads whom to trust and what to show.
func readTLS(l Lookup, trust func() (*tls.Config, error)) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if path, name := l.of("CERTIFICATE"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: %s has no certificates", name, path)
		}
	} else if trust != nil {
		trusted, err := trust()
		if err != nil {
			return nil, err
		}
		c.RootCAs = trusted.RootCAs
	}
	certificate, name := l.of("CLIENT_CERTIFICATE")
	key, _ := l.of("CLIENT_KEY")
	if certificate == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%s, and its key: %w", name, err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
