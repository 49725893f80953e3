package inet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	wasiio "wasmgo/pkg/wasi/io"
)

// maxLookups is how many lookups an instance may have: each is a goroutine and, for a while, sockets.
const maxLookups = 256

// A Lookup is a resolve-address-stream.
type Lookup struct {
	wasiio.Children // its pollables
	network         *Network
	cancel          context.CancelFunc
	done            chan struct{} // closed when what follows is there; nil if it was from the start
	addrs           []netip.Addr
	err             error
}

// Lookup begins to look a name up, in /etc/hosts and by the servers in /etc/resolv.conf. An address is its own result, which is
// nothing that could be denied.
func (n *Network) Lookup(name string) (*Lookup, error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.Zone() != "" {
			return nil, InvalidArgument // an ip-address has no room for it
		}
		return &Lookup{network: n, cancel: func() {}, addrs: []netip.Addr{ip.Unmap()}}, nil
	}
	ascii, err := toASCII(name)
	switch {
	case err != nil:
		return nil, err
	case n.policy.DenyDNS:
		return nil, AccessDenied
	}
	if n.lookups == maxLookups {
		return nil, TemporaryResolverFailure
	}
	n.lookups++
	ctx, cancel := context.WithCancel(context.Background())
	l := &Lookup{network: n, cancel: cancel, done: make(chan struct{})}
	go l.run(ctx, ascii)
	return l, nil
}

// domain is IDNA as a lookup wants it, but for names with underscores, which are no host names and yet what containers are called.
var domain = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.CheckHyphens(false))

// toASCII is the name as DNS has it. What cannot be one is an [InvalidArgument].
func toASCII(name string) (string, error) {
	ascii, err := domain.ToASCII(name)
	if err != nil || !utf8.ValidString(name) {
		return "", InvalidArgument
	}
	const maxName, maxLabel = 253, 63
	bare := strings.TrimSuffix(ascii, ".")
	if bare == "" || len(bare) > maxName {
		return "", InvalidArgument
	}
	for label := range strings.SplitSeq(bare, ".") {
		odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/\:@%?#[]<>"`, r) }
		if label == "" || len(label) > maxLabel || strings.ContainsFunc(label, odd) {
			return "", InvalidArgument
		}
	}
	return ascii, nil
}

// run is the lookup's goroutine.
func (l *Lookup) run(ctx context.Context, name string) {
	l.addrs, l.err = resolve(ctx, name)
	close(l.done)
	l.network.poller.Wake()
}

var errNoServer = errors.New("names of this host are not asked of servers")

// resolve is Go's own resolver: what the container has, not what the binary was built with. The localhost names never leave the host
// (RFC 6761), and mean what everybody takes them to mean where no /etc/hosts says so.
func resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	resolver := net.Resolver{PreferGo: true}
	local := isLocalhost(name)
	if local {
		resolver.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errNoServer }
	}
	found, err := resolver.LookupNetIP(ctx, "ip", name)
	if local && err != nil {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	if err != nil {
		return nil, &Error{"lookup " + name, resolverCode(err), err}
	}
	addrs := make([]netip.Addr, 0, len(found))
	for _, ip := range found {
		addrs = append(addrs, ip.Unmap().WithZone(""))
	}
	return addrs, nil
}

func isLocalhost(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// resolverCode says what the resolver's errors are called; a server that cannot answer now (SERVFAIL) may be able to later.
func resolverCode(err error) Code {
	var failure *net.DNSError
	switch {
	case !errors.As(err, &failure):
		return PermanentResolverFailure
	case failure.IsNotFound:
		return NameUnresolvable
	case failure.IsTimeout, failure.IsTemporary:
		return TemporaryResolverFailure
	}
	return PermanentResolverFailure
}

// Next is the next address, nil after the last, [WouldBlock] before the first is there.
func (l *Lookup) Next() (*netip.Addr, error) {
	switch {
	case !l.finished():
		return nil, WouldBlock
	case l.err != nil:
		return nil, l.err
	case len(l.addrs) == 0:
		return nil, nil
	}
	next := l.addrs[0]
	l.addrs = l.addrs[1:]
	return &next, nil
}

func (l *Lookup) finished() bool {
	if l.done == nil {
		return true
	}
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Watch happens when Next would return something.
func (l *Lookup) Watch(w *wasiio.Watch) {
	if l.finished() {
		w.Ready()
	}
}

// Close gives the lookup up and waits for its goroutine.
func (l *Lookup) Close() {
	l.cancel()
	if l.done != nil {
		<-l.done
		l.network.lookups--
	}
}
