package toolbox

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"time"

	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/toolbox/system"
)

// networkApplets use the container's network.
func networkApplets() []Applet {
	return []Applet{
		{Name: "nc", Synopsis: "[HOST] PORT", Summary: "connect standard input and output to a port, or wait on one for a connection", run: nc, Flags: []Flag{
			{Short: 'l', Long: "listen", Help: "wait for one connection"},
			{Short: 'p', Value: "PORT", Help: "the port to wait on"},
			{Short: 'u', Long: "udp", Help: "UDP in place of TCP"},
			{Short: 'w', Value: "SECONDS", Help: "give up connecting, or a connection on which nothing comes, after so long"},
			{Short: 'z', Help: "connect only: the exit code says whether something listens"},
			{Short: 'v', Long: "verbose", Help: "say what is done"},
			{Short: 'n', Help: "nothing: numbers are never looked up"},
		}},
		{Name: "nslookup", Synopsis: "NAME", Summary: "show the addresses of a name", run: nslookup},
		wgetApplet(),
	}
}

// addresses are those of a host, which may be one itself.
func addresses(host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	list, err := system.Lookup(host)
	if err == nil && len(list) == 0 {
		err = errors.New("no such name")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	return list, nil
}

// dial connects to the first address of a host that answers.
func dial(network abi.Network, host string, port uint16, timeout time.Duration) (*system.Conn, error) {
	list, err := addresses(host)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		var conn *system.Conn
		conn, dialErr := system.Dial(network, netip.AddrPortFrom(a, port), timeout)
		if dialErr == nil {
			return conn, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", netip.AddrPortFrom(a, port), dialErr))
	}
	return nil, err
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, misused("no port: %q", text)
	}
	return uint16(n), nil
}

func nc(c *Call) error {
	var wait time.Duration
	if text, ok := c.value("w"); ok {
		d, err := seconds(text)
		if err != nil {
			return err
		}
		wait = d
	}
	network := abi.TCP
	if c.has("u") {
		network = abi.UDP
	}
	conn, err := c.connection(network, wait)
	if err != nil {
		return err
	}
	stop := closeWith(c, conn)
	defer stop()
	if c.has("z") {
		return nil
	}
	return c.relay(conn, wait)
}

// closeWith closes conn when the call is interrupted, so that nobody waits for it.
func closeWith(c *Call, conn io.Closer) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-c.ctx.Done():
		case <-done:
		}
		_ = conn.Close() // there is nothing more to be done with it
	}()
	return func() {
		close(done)
		<-ended
	}
}

// connection is the one that the arguments ask for.
func (c *Call) connection(network abi.Network, wait time.Duration) (*system.Conn, error) {
	if c.has("l") {
		return c.accept(network)
	}
	if len(c.args) != 2 {
		return nil, misused("wants a host and a port")
	}
	port, err := parsePort(c.args[1])
	if err != nil {
		return nil, err
	}
	conn, err := dial(network, c.args[0], port, wait)
	if err == nil && c.has("v") {
		fmt.Fprintf(c.stderr, "connected to %s port %d\n", c.args[0], port)
	}
	return conn, err
}

// accept waits for a connection.
func (c *Call) accept(network abi.Network) (_ *system.Conn, err error) {
	text, ok := c.value("p")
	host := netip.IPv4Unspecified()
	switch {
	case ok:
	case len(c.args) == 2:
		if host, err = netip.ParseAddr(c.args[0]); err != nil {
			return nil, misused("no address to listen on: %q", c.args[0])
		}
		text = c.args[1]
	case len(c.args) == 1:
		text = c.args[0]
	default:
		return nil, misused("wants a port to listen on")
	}
	port, err := parsePort(text)
	if err != nil {
		return nil, err
	}
	l, err := system.Listen(network, netip.AddrPortFrom(host, port))
	if err != nil || network == abi.UDP {
		return l, err
	}
	stop := closeWith(c, l)
	defer stop()
	if c.has("v") {
		fmt.Fprintf(c.stderr, "listening on %s port %d\n", host, port)
	}
	conn, from, err := l.Accept()
	if err == nil && c.has("v") {
		fmt.Fprintf(c.stderr, "connection from %s\n", from)
	}
	return conn, err
}

// relay copies both ways until the other side is done.
func (c *Call) relay(conn *system.Conn, wait time.Duration) error {
	sent := make(chan error, 1)
	go func() {
		// Not through c.stdin, which would write what the other direction is writing.
		_, err := io.Copy(plainWriter{conn}, plainReader{c.in})
		sent <- errors.Join(err, conn.HalfClose())
	}()
	err := c.receive(conn, wait)
	c.finish(sent)
	return err
}

// receive shows what comes.
func (c *Call) receive(conn *system.Conn, wait time.Duration) error {
	buffer := make([]byte, 32<<10)
	for {
		if wait > 0 {
			if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
				return err
			}
		}
		n, err := conn.Read(buffer)
		if _, werr := c.stdout.Write(buffer[:n]); werr != nil {
			return werr
		}
		if werr := c.stdout.Flush(); werr != nil {
			return werr
		}
		if err != nil {
			return notEOF(err)
		}
	}
}

// lastWords is how long the other side, which sends no more, is still sent what standard input has.
const lastWords = time.Second

// finish waits for the end of sending, and brings it about where standard input is a terminal's: what is typed next is the shell's.
func (c *Call) finish(sent <-chan error) {
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-sent:
		return
	case <-c.ctx.Done():
	case <-late.C:
	}
	f, ok := c.in.(*os.File)
	if !ok || f.SetReadDeadline(time.Unix(1, 0)) != nil {
		return // the end of a pipe, which is closed when the command has ended
	}
	<-sent
	_ = f.SetReadDeadline(time.Time{})
}

func nslookup(c *Call) error {
	return c.each(func(name string) error {
		list, err := addresses(name)
		if err != nil {
			return err
		}
		for _, a := range list {
			fmt.Fprintf(c.stdout, "%s\t%s\n", name, a)
		}
		return nil
	})
}
