package integration

import (
	"strings"
	"syscall"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// The network guests of test/guests in the image.
const (
	rustNet = "/component/rust_net.wasm"
	cNet    = "/component/c_net.wasm"
)

// addNetworkGuests puts them there.
func addNetworkGuests(t *testing.T, files map[string]pack.File) {
	t.Helper()
	for path, name := range map[string]string{rustNet: "rust_net", cNet: "c_net"} {
		files[path] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
}

// denials are what a component sees of the setting deny: nothing else than the kernel's own refusal would be.
var denials = []struct {
	deny   string
	args   []string
	stdout string
	stderr string // "" is that it works
}{
	{"tcp", []string{rustNet, "serve", "127.0.0.1:0", "0"}, "", "Permission denied"},
	{"udp", []string{rustNet, "udp-serve", "127.0.0.1:0", "0"}, "", "Permission denied"},
	{"dns", []string{rustNet, "lookup", "localhost"}, "", "Permission denied"},
	{"tcp, udp,dns", []string{cNet, "serve", "127.0.0.1", "0", "0"}, "", "Permission denied"},
	{"udp,dns", []string{rustNet, "serve", "127.0.0.1:7000", "0"}, "listening on 7000\n", ""},
	{"tcp,udp,dns", []string{cNet, "lookup", "127.0.0.1"}, "127.0.0.1\n", ""}, // which is no name
}

// inHostNetwork lets a container use the daemon's network, which has a loopback device that is up.
func inHostNetwork(w want) want { return w.with(oci.WithHostNamespace(specs.NetworkNamespace)) }

// port is what a server among the guests says that it listens on.
func (c *container) port(t *testing.T) string {
	t.Helper()
	c.stdout.await(t, "\n")
	port, found := strings.CutPrefix(strings.TrimSpace(c.stdout.String()), "listening on ")
	if !found {
		t.Fatalf("the server says %q\n%s", c.stdout, c.stderr)
	}
	return port
}

var componentNetworkCases = []testCase{
	{"components talk over TCP and UDP, IPv4 and IPv6", func(t *testing.T, e env) {
		for _, c := range []struct {
			name   string
			server []string
			client func(port string) []string
			stdin  string
		}{
			{"Rust", []string{rustNet, "serve", "127.0.0.1:0", "1"}, func(port string) []string {
				return []string{rustNet, "connect", "127.0.0.1:" + port, "over TCP"}
			}, ""},
			{"C and Rust", []string{cNet, "serve", "::1", "0", "1"}, func(port string) []string {
				return []string{rustNet, "connect", "[::1]:" + port, "over TCP"}
			}, ""},
			{"Rust and C", []string{rustNet, "serve", "[::1]:0", "1"}, func(port string) []string {
				return []string{cNet, "connect", "::1", port}
			}, "over TCP\n"},
			{"Rust datagrams", []string{rustNet, "udp-serve", "[::1]:0", "1"}, func(port string) []string {
				return []string{rustNet, "udp-send", "[::1]:" + port, "over UDP"}
			}, ""},
			{"datagrams of C", []string{cNet, "udp-serve", "127.0.0.1", "0", "1"}, func(port string) []string {
				return []string{cNet, "udp-send", "127.0.0.1", port, "over UDP"}
			}, ""},
		} {
			server := e.start(t, inHostNetwork(guest(c.server...)))
			w := inHostNetwork(guest(c.client(server.port(t))...))
			if c.stdin != "" {
				w = w.reading(strings.NewReader(c.stdin))
			}
			client := e.start(t, w)
			if c.stdin != "" {
				if err := client.task.CloseIO(client.ctx, containerd.WithStdinCloser); err != nil {
					t.Errorf("%s: close stdin: %v", c.name, err)
				}
			}
			code := client.end(t)
			if got := client.stdout.String(); code != 0 || !strings.HasPrefix(got, "over ") {
				t.Errorf("%s: exit code %d, stdout %q\n%s", c.name, code, got, client.stderr)
			}
			if code := server.end(t); code != 0 {
				t.Errorf("%s: the server ends with %d\n%s", c.name, code, server.stderr)
			}
		}
	}},
	{"localhost is known without an /etc/hosts, other names are not without a server", func(t *testing.T, e env) {
		code, out, errs := e.run(t, guest(rustNet, "lookup", "localhost"))
		if code != 0 || !strings.Contains(out, "127.0.0.1\n") {
			t.Errorf("exit code %d, stdout %q\n%s", code, out, errs)
		}
		code, out, errs = e.run(t, guest(rustNet, "lookup", "db.internal"))
		if code != 1 || out != "" || !strings.Contains(errs, "failed to lookup") {
			t.Errorf("exit code %d, stdout %q\n%s", code, out, errs)
		}
	}},
	{"the setting deny takes parts of the network away, by annotation and by variable", func(t *testing.T, e env) {
		for _, c := range denials {
			for _, set := range []oci.SpecOpts{
				oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.deny": c.deny}),
				oci.WithEnv([]string{"WASMGO_DENY=" + c.deny}),
			} {
				code, out, errs := e.run(t, guest(c.args...).with(set))
				if out != c.stdout || !strings.Contains(errs, c.stderr) || (code == 0) != (c.stderr == "") {
					t.Errorf("deny %s, %q: exit code %d, stdout %q\n%s", c.deny, c.args, code, out, errs)
				}
			}
		}
		_, err := e.tryCreate(t, guest(rustNet).with(oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.deny": "icmp"})))
		if err == nil || !strings.Contains(err.Error(), `annotation io.containerd.wasmgo.deny: value "icmp"`) {
			t.Errorf("deny of what there is not: error %v", err)
		}
	}},
	{"a component that waits for the network ends on SIGTERM and uses no processor", func(t *testing.T, e env) {
		c := e.start(t, inHostNetwork(guest(rustNet, "serve", "127.0.0.1:0", "1")))
		c.port(t)
		before := procTicks(t, c.task.Pid())
		for range 5 {
			e.run(t, guest("/hello.wasm"))
		}
		if after := procTicks(t, c.task.Pid()); after != before {
			t.Errorf("it used %d ticks while others ran", after-before)
		}
		c.kill(t, syscall.SIGTERM)
		if code := c.end(t); code != 143 {
			t.Errorf("exit code %d, want 143", code)
		}
	}},
}

// dockerComponentNetworkCases use what Docker sets up around a container.
var dockerComponentNetworkCases = []dockerCase{
	{"a published port reaches a component", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--network", "bridge", "--publish", "18091:7000"}, rustNet, "serve", "0.0.0.0:7000", "1")
		d.says(t, name, "listening on 7000\n")
		got := d.wasm(t, "run", []string{"--rm", "--network", "host"}, rustNet, "connect", "127.0.0.1:18091", "through the port").Run(t)
		if got.Code != 0 || got.Stdout != "through the port\n" {
			t.Errorf("%+v", got)
		}
		if code := d.Docker(t, "wait", name).Output(t); code != "0" {
			t.Errorf("the server ended with %s: %s", code, d.Docker(t, "logs", name).Run(t).Stderr)
		}
	}},
	{"components find each other by name", func(t *testing.T, d docker) {
		network := "net_of_components"
		d.Docker(t, "network", "create", network).Output(t)
		t.Cleanup(func() {
			if out, err := d.Docker(t, "network", "rm", network).Prepare(late(t)).CombinedOutput(); err != nil {
				t.Errorf("docker network rm: %v: %s", err, out)
			}
		})
		on := []string{"--network", network}
		tcp := d.detached(t, append(on, "--network-alias", "echo_server"), rustNet, "serve", "0.0.0.0:7000", "1")
		udp := d.detached(t, on, cNet, "udp-serve", "0.0.0.0", "7001", "1")
		d.says(t, tcp, "listening on 7000\n")
		d.says(t, udp, "listening on 7001\n")
		address := d.inspect(t, tcp, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
		for _, c := range []struct {
			args []string
			code int
			want string
		}{
			{[]string{rustNet, "lookup", "echo_server"}, 0, address + "\n"},
			{[]string{rustNet, "lookup", tcp}, 0, address + "\n"},
			{[]string{rustNet, "connect", "echo_server:7000", "by an alias"}, 0, "by an alias\n"},
			{[]string{rustNet, "udp-send", udp + ":7001", "by a name"}, 0, "by a name\n"},
			{[]string{rustNet, "lookup", "no_such.invalid"}, 1, ""},
		} {
			got := d.wasm(t, "run", append([]string{"--rm"}, on...), c.args...).Run(t)
			if got.Code != c.code || got.Stdout != c.want {
				t.Errorf("%q: %+v, want %q", c.args, got, c.want)
			}
		}
	}},
	{"the setting deny is an annotation or a variable of docker run, too", func(t *testing.T, d docker) {
		for _, c := range denials {
			for _, set := range [][]string{{"--annotation", "io.containerd.wasmgo.deny=" + c.deny}, {"--env", "WASMGO_DENY=" + c.deny}} {
				got := d.wasm(t, "run", append([]string{"--rm", "--network", "none"}, set...), c.args...).Run(t)
				if got.Stdout != c.stdout || !strings.Contains(got.Stderr, c.stderr) || (got.Code == 0) != (c.stderr == "") {
					t.Errorf("deny %s, %q: %+v", c.deny, c.args, got)
				}
			}
		}
	}},
}

// says waits until a container has printed just that.
func (d docker) says(t *testing.T, name, want string) {
	t.Helper()
	var got daemon.Result
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = d.Docker(t, "logs", name).Run(t); got.Stdout == want {
			return
		}
	}
	t.Fatalf("%s says %+v, want %q", name, got, want)
}
