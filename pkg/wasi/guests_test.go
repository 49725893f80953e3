package wasi_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/filesystem"
	"wasmgo/pkg/wasi/filesystem/beneath"
	"wasmgo/pkg/wasi/sockets/inet"
	"wasmgo/test/guests"
)

// A started guest of test/guests/component runs in this process, on a goroutine of its own, with pipes for standard streams.
type started struct {
	host   *wasi.Host
	stdin  io.WriteCloser
	stdout io.ReadCloser
	ended  chan ended
}

type ended struct {
	code int
	err  error
}

var (
	engine   = sync.OnceValue(wasmtime.NewEngine)
	programs sync.Map // name to a function that compiles it once
)

func program(t testing.TB, name string) *component.Program {
	t.Helper()
	path := guests.Component(t, name)
	compile, _ := programs.LoadOrStore(name, sync.OnceValues(func() (*component.Program, error) {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return component.Load(file, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine(), module) })
	}))
	p, err := compile.(func() (*component.Program, error))()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

// start starts a guest with a directory as its root. What is left of it when the test ends is a failure.
func start(t testing.TB, root string, network inet.Policy, args ...string) *started {
	t.Helper()
	p := program(t, args[0])
	before := descriptors(t)
	in, stdin := pipe(t)
	stdout, out := pipe(t)
	c := wasi.Config{Config: cli.Config{Args: args, Env: []string{"A=b", "LANG=C.UTF-8"}, Cwd: "/work", Stderr: sink(t, out), Stdout: sink(t, out)}, Network: network}
	source, err := cli.NewSource(int(in.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin = source
	if root != "" {
		c.Preopens = []filesystem.Preopen{{Dir: directory(t, root), Name: "/"}}
	}
	host, err := wasi.New(c)
	if err != nil {
		t.Fatal(err)
	}
	g := &started{host: host, stdin: stdin, stdout: stdout, ended: make(chan ended, 1)}
	running := make(chan struct{})
	go func() {
		defer close(running)
		code, err := runOn(p, host)
		g.ended <- ended{code, err}
		out.Close()
	}()
	t.Cleanup(func() {
		host.Interrupt()
		stdin.Close()
		stdout.Close()
		<-running
		in.Close()
		if left := descriptors(t); left > before {
			t.Errorf("%v leaves %d descriptors", args, left-before)
		}
	})
	return g
}

func runOn(p *component.Program, host *wasi.Host) (code int, err error) {
	store := corewasm.NewStore(engine())
	defer func() {
		store.Close()
		if closed := host.Close(); err == nil {
			err = closed
		}
	}()
	i, err := p.Instantiate(store, host.Interfaces()...)
	if err != nil {
		return 0, err
	}
	return wasi.Run(i)
}

// end returns how a guest ended and all that it printed, after it was given the rest of its input.
func (g *started) end(t testing.TB, stdin string) (ended, string) {
	t.Helper()
	var all []byte
	var err error
	read := make(chan struct{})
	go func() {
		defer close(read)
		all, err = io.ReadAll(g.stdout)
	}()
	// A guest that does not read its input may have ended before all is written: that is not for us to judge.
	_, _ = io.WriteString(g.stdin, stdin)
	g.stdin.Close()
	<-read
	if err != nil {
		t.Fatal(err)
	}
	return <-g.ended, string(all)
}

// listening returns the port that a server has printed.
func (g *started) listening(t testing.TB) int {
	t.Helper()
	var port int
	if _, err := fmt.Fscanf(g.stdout, "listening on %d\n", &port); err != nil {
		t.Fatalf("the server says no port: %v", err)
	}
	return port
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func sink(t testing.TB, f *os.File) *cli.Sink {
	t.Helper()
	s, err := cli.NewSink(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func directory(t testing.TB, path string) *beneath.Descriptor {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := beneath.Preopen(fd, beneath.Options{Root: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// descriptors counts those of the process that are not the Go runtime's, which it opens when it likes, nor Wasmtime's images of
// memories, which live as long as their modules.
func descriptors(t testing.TB) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && !strings.HasPrefix(to, "anon_inode:[event") && !strings.HasPrefix(to, "/memfd:wasm-memory-image") {
			n++
		}
	}
	return n
}

func TestGuests(t *testing.T) {
	const hex = `^[0-9a-f]{32}\n$`
	for _, tt := range []struct {
		name  string
		args  string
		stdin string
		code  int
		want  string // a regular expression that all of the output matches
	}{
		{"C says hello", "c_tool hello", "", 0, "^hello from C\n$"},
		{"Rust says hello", "rust_tool hello", "", 0, "^hello from Rust\n$"},
		{"C has its arguments", "c_tool args one two", "", 0, "^c_tool\nargs\none\ntwo\n$"},
		{"Rust has its arguments", "rust_tool args one two", "", 0, "^rust_tool\nargs\none\ntwo\n$"},
		{"an adapted module has its arguments", "adapted_args one two", "", 0, "^adapted_args\none\ntwo\n$"},
		{"Go, adapted, has its arguments", "go_tool args one two", "", 0, "^one\ntwo\n$"},
		{"Go, adapted, has its environment", "go_tool env", "", 0, "^A=b\nLANG=C.UTF-8\n$"},
		{"Go, adapted, copies standard input", "go_tool cat", strings.Repeat("x", 200_000), 0, "^x{1000}"},
		{"Go, adapted, writes a file", "go_tool write /x text", "", 0, "^$"},
		{"the code of Go's panic is 1 too, for an adapter knows no other", "go_tool panic x", "", 1, "^panic: x\n"},
		{"C has its environment", "c_tool env", "", 0, "^A=b\nLANG=C.UTF-8\n$"},
		{"Rust has its environment", "rust_tool env", "", 0, "^A=b\nLANG=C.UTF-8\n$"},
		{"C filters standard input", "c_tool upper", "größer\n", 0, "^GRößER\n$"},
		{"Rust filters standard input", "rust_tool upper", strings.Repeat("abc", 100_000), 0, "^(ABC){1000}"},
		{"an adapted module copies standard input", "adapted_cat", strings.Repeat("x", 200_000), 0, "^x{1000}"},
		{"C's clocks go", "c_tool clock", "", 0, `^1\d{9} [2-9]\d\n$`},
		{"Rust's clocks go", "rust_tool clock", "", 0, `^1\d{9} [2-9]\d\n$`},
		{"C gets random bytes", "c_tool random", "", 0, hex},
		{"Rust gets random bytes", "rust_tool random", "", 0, hex},
		{"C exits with 0", "c_tool exit 0", "", 0, "^$"},
		{"all other codes of C's exit are 1 in WASI 0.2", "c_tool exit 7", "", 1, "^$"},
		{"all other codes of Rust's exit are 1 in WASI 0.2", "rust_tool exit 7", "", 1, "^$"},
		{"so are those of an adapted module", "adapted_exit_code 7", "", 1, "^$"},
		{"bindings exit with any code", "c_bindings exit 7", "", 7, "^$"},
		{"an error that run returns is 1", "c_bindings error", "", 1, "^$"},
		{"bindings splice", "c_bindings splice", strings.Repeat("x", 300_000), 0, "^x{1000}"},
		{"bindings poll timers, which are ready in order", "c_bindings poll", "", 0, "^20\n40\n60\n$"},
		{"bindings poll standard input", "c_bindings ready", "x", 0, "^input\n$"},
		{"bindings poll the end of standard input", "c_bindings ready", "", 0, "^input\n$"},
		{"bindings get random bytes of each kind", "c_bindings random", "", 0, "^different (one seed|two seeds)\n$"},
		{"bindings find no terminal", "c_bindings terminal", "", 0, "^no terminal\n$"},
		{"bindings find the working directory", "c_bindings cwd", "", 0, "^/work\n$"},
		{"a guest may leave everything behind", "c_bindings leak", "", 0, "^$"},
		{"C's files", "c_files /", "", 0, "^files work\n$"},
		{"Rust's files", "rust_files /", "", 0, "^files work\n$"},
		{"Rust gets memory", "rust_tool grow 20", "", 0, "^20\n$"},
		{"resources cross between two components", "composed", "", 0, "^left: 70\nrefused: there are 20\nAda has 70\nGrete has 20\nGrete has 90\n1 open\n0 open\n$"},
		{"the command of a component with functions too", "functions", "", 0, "^the command\n$"},
		{"a name that is known", "c_net lookup localhost", "", 0, `^(127\.0\.0\.1\n|::1\n)+$`},
		{"an address is a name, too", "rust_net lookup 192.0.2.7", "", 0, `^192\.0\.2\.7\n$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, out := start(t, t.TempDir(), inet.Policy{}, strings.Fields(tt.args)...).end(t, tt.stdin)
			if got.code != tt.code || got.err != nil || !regexp.MustCompile(tt.want).MatchString(out) {
				t.Errorf("ended with %d, %v; printed %.300q; want %d, %s", got.code, got.err, out, tt.code, tt.want)
			}
			if len(tt.stdin) > 1000 && !strings.HasPrefix(strings.ToLower(out), tt.stdin) {
				t.Errorf("%d bytes became %d others", len(tt.stdin), len(out))
			}
		})
	}
}

func TestGuestsThatTrap(t *testing.T) {
	for _, tt := range []struct{ name, args, out, want string }{
		{"C traps", "c_tool trap", "", "unreachable"},
		{"C aborts", "c_tool abort", "", "unreachable"},
		{"Rust panics", "rust_tool panic", "at the disco", "unreachable"},
		{"a stream that was dropped", "c_bindings stale", "", "handle"},
		{"an account that was given away", "composed stale", "1 open", "handle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, out := start(t, "", inet.Policy{}, strings.Fields(tt.args)...).end(t, "")
			if got.err == nil || !strings.Contains(got.err.Error(), tt.want) || !strings.Contains(out, tt.out) {
				t.Errorf("ended with %d, %v; printed %q", got.code, got.err, out)
			}
		})
	}
}

func TestGuestsThatServe(t *testing.T) {
	for _, tt := range []struct{ name, serve, network string }{
		{"C serves TCP", "c_net serve 127.0.0.1 0 3", "tcp4"},
		{"C serves TCP over IPv6", "c_net serve ::1 0 3", "tcp6"},
		{"Rust serves TCP", "rust_net serve 127.0.0.1:0 3", "tcp4"},
		{"Rust serves TCP over IPv6", "rust_net serve [::1]:0 3", "tcp6"},
		{"C serves UDP", "c_net udp-serve 127.0.0.1 0 3", "udp4"},
		{"C serves UDP over IPv6", "c_net udp-serve ::1 0 3", "udp6"},
		{"Rust serves UDP", "rust_net udp-serve 127.0.0.1:0 3", "udp4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := start(t, "", inet.Policy{}, strings.Fields(tt.serve)...)
			address := netip.AddrPortFrom(loopback(tt.network), uint16(server.listening(t)))
			text := "sent by the host"
			if got := exchange(t, tt.network, address, text); got != text {
				t.Errorf("%q was answered %q", text, got)
			}
			c, rust := []string{"c_net", "connect", address.Addr().String(), fmt.Sprint(address.Port())}, []string{"rust_net", "connect", address.String(), "sent by Rust"}
			want := "sent by C"
			if strings.HasPrefix(tt.network, "udp") {
				c[1], rust[1] = "udp-send", "udp-send"
				c, want = append(c, want), want+"\n"
			}
			if got, out := start(t, "", inet.Policy{}, c...).end(t, "sent by C"); got.code != 0 || got.err != nil || out != want {
				t.Errorf("C's client ended with %d, %v; printed %q", got.code, got.err, out)
			}
			if got, out := start(t, "", inet.Policy{}, rust...).end(t, ""); got.code != 0 || got.err != nil || out != "sent by Rust\n" {
				t.Errorf("Rust's client ended with %d, %v; printed %q", got.code, got.err, out)
			}
			if got, out := server.end(t, ""); got.code != 0 || got.err != nil {
				t.Errorf("the server ended with %d, %v; printed %q", got.code, got.err, out)
			}
		})
	}
}

// TestAServerOfMany: one guest has many connections at once, and megabytes in both directions of each.
func TestAServerOfMany(t *testing.T) {
	const clients = 8
	server := start(t, "", inet.Policy{}, "c_net", "serve", "127.0.0.1", "0", fmt.Sprint(clients))
	address := netip.AddrPortFrom(loopback("tcp4"), uint16(server.listening(t)))
	text := strings.Repeat("0123456789abcdef", 1<<16)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if got := exchange(t, "tcp4", address, text); got != text {
				t.Errorf("%d bytes were answered by %d others", len(text), len(got))
			}
		})
	}
	all.Wait()
	if got, out := server.end(t, ""); got.code != 0 || got.err != nil {
		t.Errorf("the server ended with %d, %v; printed %q", got.code, got.err, out)
	}
}

func TestGuestsThatMayNot(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy inet.Policy
		args   string
	}{
		{"C may not listen", inet.Policy{DenyTCP: true}, "c_net serve 127.0.0.1 0 1"},
		{"Rust may not connect", inet.Policy{DenyTCP: true}, "rust_net connect 127.0.0.1:9 text"},
		{"C may not have datagrams", inet.Policy{DenyUDP: true}, "c_net udp-serve 127.0.0.1 0 1"},
		{"Rust may not look up a name", inet.Policy{DenyDNS: true}, "rust_net lookup localhost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, out := start(t, "", tt.policy, strings.Fields(tt.args)...).end(t, ""); got.code != 1 || got.err != nil {
				t.Errorf("ended with %d, %v; printed %q", got.code, got.err, out)
			}
		})
	}
}

func loopback(network string) netip.Addr {
	if strings.HasSuffix(network, "6") {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// exchange sends text and returns as much of an answer, or all there is over TCP.
func exchange(t testing.TB, network string, to netip.AddrPort, text string) string {
	t.Helper()
	c, err := net.Dial(network, to.String())
	if err != nil {
		t.Error(err)
		return ""
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Error(err)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, text)
		if tcp, is := c.(*net.TCPConn); err == nil && is {
			err = tcp.CloseWrite()
		}
		sent <- err
	}()
	b := make([]byte, len(text)+1)
	var n int
	if strings.HasPrefix(network, "udp") {
		n, err = c.Read(b)
	} else if n, err = io.ReadFull(c, b); err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil
	}
	if err := <-sent; err != nil {
		t.Errorf("send: %v", err)
	}
	if err != nil {
		t.Errorf("receive: %v", err)
	}
	return string(b[:n])
}
