package integration

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/pkg/oci"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// The HTTP guests of test/guests in the image.
const (
	httpHello = "/component/http_hello.wasm"
	httpTool  = "/component/http_tool.wasm"
	httpGet   = "/component/http_get.wasm"
)

// addHTTPGuests puts them there.
func addHTTPGuests(t *testing.T, files map[string]pack.File) {
	t.Helper()
	for path, name := range map[string]string{httpHello: "http_hello", httpTool: "http_tool", httpGet: "http_get"} {
		files[path] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
}

// address is where a component says that it answers.
func (c *container) address(t *testing.T) string {
	t.Helper()
	const before = " answers HTTP at "
	c.stderr.await(t, before) // which is in one piece with what follows
	_, after, _ := strings.Cut(c.stderr.String(), before)
	address, _, _ := strings.Cut(after, "\n")
	return address
}

// browser is a client in a daemon's network.
func browser(t *testing.T, n *daemon.Netns, h2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) { return n.Dial(network, address) },
		Protocols:   new(http.Protocols),
	}
	tr.Protocols.SetHTTP1(!h2)
	tr.Protocols.SetUnencryptedHTTP2(h2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func ask(t *testing.T, c *http.Client, method, url string, body io.Reader) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

var componentHTTPCases = []testCase{
	{"a component that serves HTTP is served, with its container's variables and files, and ends in order", func(t *testing.T, e env) {
		for _, h2 := range []bool{false, true} {
			server := e.start(t, inHostNetwork(guest(httpTool)).with(oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0", "GREETING=hello"})))
			url := "http://" + server.address(t)
			client := browser(t, e.Netns, h2)
			long := strings.Repeat("0123456789", 1_000_000)
			for _, c := range []struct {
				method, path, body string
				status             int
				want               string
			}{
				{"GET", "/env?GREETING", "", 200, "hello"},
				{"GET", "/env?WASMGO_HTTP_ADDR", "", 200, ""},
				{"POST", "/echo", long, 200, long},
				{"GET", "/file/etc/passwd", "", 200, ""},
				{"GET", "/file/not/there", "", 404, "no such file"},
				{"GET", "/trap", "", 500, "Internal Server Error\n"},
				{"GET", "/print", "", 200, "done"},
			} {
				status, got := ask(t, client, c.method, url+c.path, strings.NewReader(c.body))
				if status != c.status || c.want != "" && got != c.want {
					t.Errorf("%s %s: %d %.80q, want %d %.80q", c.method, c.path, status, got, c.status, c.want)
				}
			}
			server.stdout.await(t, "printed\n")
			server.stderr.await(t, "wasm backtrace")
			answered := make(chan string, 1)
			go func() {
				_, got := ask(t, client, "GET", url+"/slow?500", nil)
				answered <- got
			}()
			ask(t, client, "GET", url+"/slow?100", nil) // by then the other one is there
			server.kill(t, syscall.SIGTERM)
			if code := server.end(t); code != 0 {
				t.Errorf("exit code %d\n%s", code, server.stderr)
			}
			if got := <-answered; got != "slow" {
				t.Errorf("a request during the end was answered %q", got)
			}
		}
	}},
	{"instances that take all the memory they get are stopped, and not their container", func(t *testing.T, e env) {
		server := e.start(t, inHostNetwork(guest(httpTool)).with(oci.WithMemoryLimit(96<<20), oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"})))
		url := "http://" + server.address(t)
		client := browser(t, e.Netns, false)
		statuses := make(chan int)
		const clients = 12
		for range clients {
			go func() {
				status, _ := ask(t, client, "GET", url+"/grow", nil)
				statuses <- status
			}()
		}
		for range clients {
			if status := <-statuses; status != 500 {
				t.Errorf("status %d", status)
			}
		}
		if status, got := ask(t, client, "GET", url+"/count", nil); status != 200 || got != "1" {
			t.Errorf("%d %q afterwards", status, got)
		}
		server.kill(t, syscall.SIGTERM)
		if code := server.end(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}},
	{"a second signal ends a server at once", func(t *testing.T, e env) {
		server := e.start(t, inHostNetwork(guest(httpTool)).with(oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"})))
		url := "http://" + server.address(t)
		client := browser(t, e.Netns, false)
		res, err := client.Get(url + "/drip?600")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		server.kill(t, syscall.SIGINT)
		server.kill(t, syscall.SIGTERM)
		if code := server.end(t); code != 143 && code != 130 {
			t.Errorf("exit code %d\n%s", code, server.stderr)
		}
	}},
	{"where nobody can listen, a server does not start, and says why", func(t *testing.T, e env) {
		taken := e.start(t, inHostNetwork(guest(httpHello)).with(oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"})))
		address := taken.address(t)
		for _, c := range []struct{ address, why string }{
			{address, "cannot serve at " + address + ": bind: address already in use"},
			{"1.2.3.4.5:80", "no IP address"},
			{"203.0.113.1:80", "cannot assign requested address"},
		} {
			code, _, errs := e.run(t, inHostNetwork(guest(httpHello)).with(oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.http-addr": c.address})))
			if code != 126 || !strings.Contains(errs, c.why) {
				t.Errorf("%s: exit code %d: %s", c.address, code, errs)
			}
		}
		_, err := e.tryCreate(t, guest(httpHello).with(oci.WithEnv([]string{"WASMGO_HTTP_TIMEOUT=soon"})))
		if err == nil || !strings.Contains(err.Error(), `variable WASMGO_HTTP_TIMEOUT in process.env: value "soon": want a time`) {
			t.Errorf("a time that is none: error %v", err)
		}
		taken.kill(t, syscall.SIGTERM)
		if code := taken.end(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}},
	{"a command makes requests, unless they are denied", func(t *testing.T, e env) {
		server := e.start(t, inHostNetwork(guest(httpHello)).with(oci.WithEnv([]string{"PORT=0"})))
		_, port, err := net.SplitHostPort(server.address(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			deny, host string
			code       int
			want       string
		}{
			{"", "127.0.0.1", 0, "200\nhello from a component\n"},
			{"", "[::1]", 0, "200\nhello from a component\n"},
			{"udp", "localhost", 0, "200\nhello from a component\n"},
			{"tcp", "127.0.0.1", 1, "ErrorCode::HttpRequestDenied\n"},
			{"dns", "localhost", 1, "ErrorCode::HttpRequestDenied\n"},
		} {
			w := inHostNetwork(guest(httpGet, "http://"+c.host+":"+port+"/")).with(oci.WithEnv([]string{"WASMGO_DENY=" + c.deny}))
			code, out, errs := e.run(t, w)
			if int(code) != c.code || out != c.want {
				t.Errorf("%s without %q: exit code %d, stdout %q\n%s", c.host, c.deny, code, out, errs)
			}
		}
		server.kill(t, syscall.SIGTERM)
		if code := server.end(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}},
}

var dockerComponentHTTPCases = []dockerCase{
	{"a published port reaches an HTTP component, and docker stop ends it in order", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--network", "bridge", "--publish", "18092:8080"}, httpHello)
		for deadline := time.Now().Add(patience); !strings.Contains(d.Docker(t, "logs", name).Run(t).Stderr, "answers HTTP at [::]:8080"); {
			if time.Now().After(deadline) {
				t.Fatal("it does not say that it answers")
			}
		}
		for range 2 {
			got := d.wasm(t, "run", []string{"--rm", "--network", "host"}, httpGet, "http://127.0.0.1:18092/").Run(t)
			if got.Code != 0 || got.Stdout != "200\nhello from a component\n" {
				t.Errorf("%+v", got)
			}
		}
		d.Docker(t, "stop", name).Output(t)
		if code := d.inspect(t, name, "{{.State.ExitCode}}"); code != "0" {
			t.Errorf("exit code %s: %s", code, d.Docker(t, "logs", name).Run(t).Stderr)
		}
	}},
}
