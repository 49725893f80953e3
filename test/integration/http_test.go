package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// web is what a case of TestHTTP gets: a dockerd and the containerd below it, in a network of their own, with the HTTP guests in Rust.
type web struct {
	env
	docker
}

const webImage = "test.local/web:1"

// bigFile is a file of the image, and what is in it.
const bigFile = "/srv/big"

var bigContent = strings.Repeat("0123456789abcdef", 1<<20)

func TestHTTP(t *testing.T) {
	daemon.NeedRoot(t)
	files := map[string]pack.File{bigFile: {Content: []byte(bigContent), Mode: 0o644}, "/tmp/.keep": {Mode: 0o644}}
	for _, name := range []string{"http_hello", "http_tool", "http_get", "http_start_loop", "http_start_trap"} {
		files["/"+name+".wasm"] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
	d := daemon.Dockerd(t)
	image := d.Containerd.Import(t, pack.Image{Name: webImage, Config: v1.ImageConfig{WorkingDir: "/"}, Files: files})
	w := web{env{ContainerdDaemon: d.Containerd, image: image, last: new(atomic.Int64)}, docker{d, new(atomic.Int64)}}
	for _, group := range [][]webCase{webClientCases, webStartCases, webHostileCases, webIdleCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.run(t, w) }) // one after the other: they measure
		}
	}
}

// webCase is one thing to show; the name is a sentence.
type webCase struct {
	name string
	run  func(t *testing.T, w web)
}

// A site is a container that serves HTTP, in the network of the daemons.
type site struct {
	*container
	web
	addr    string // 127.0.0.1:port
	metrics string // the same for its figures
	usual   *http.Client
}

// serve starts the guest http_tool, with settings as variables.
func (w web) serve(t *testing.T, opts []oci.SpecOpts, env ...string) *site {
	t.Helper()
	const metrics = "127.0.0.1:18900"
	env = append([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0", "WASMGO_HTTP_METRICS_ADDR=" + metrics}, env...)
	s := &site{container: w.env.start(t, inHostNetwork(guest("/http_tool.wasm")).with(oci.WithEnv(env)).with(opts...)), web: w, metrics: metrics}
	s.addr = s.address(t)
	s.usual = browser(t, w.Netns, false)
	return s
}

func (s *site) url(path string) string { return "http://" + s.addr + path }

// stop ends it as docker stop does.
func (s *site) stop(t *testing.T) {
	t.Helper()
	s.usual.CloseIdleConnections()
	s.kill(t, syscall.SIGTERM)
	if code := s.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.stderr)
	}
}

// figure is one of the server's own figures, without labels.
func (s *site) figure(t *testing.T, name string) int {
	t.Helper()
	c := browser(t, s.Netns, false)
	defer c.CloseIdleConnections()
	_, all := ask(t, c, http.MethodGet, "http://"+s.metrics+"/metrics", nil)
	m := regexp.MustCompile(`(?m)^` + name + ` (\d+)$`).FindStringSubmatch(all)
	if m == nil {
		t.Fatalf("no %s among the figures:\n%s", name, all)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// footprint is what a server has of the machine.
type footprint struct {
	goroutines, connections, instances int
	files                              int
	pss                                int // KiB, without pages of files
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d connections, %d instances, %d open files, %d KiB", f.goroutines, f.connections, f.instances, f.files, f.pss)
}

func (s *site) footprint(t *testing.T) footprint {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", s.task.Pid())
	files, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^Pss_Anon: +(\d+) kB$`).FindStringSubmatch(readFile(t, proc+"/smaps_rollup"))
	if m == nil {
		t.Fatal("no Pss_Anon")
	}
	pss, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return footprint{s.figure(t, "go_goroutines"), s.figure(t, "wasmgo_http_connections"), s.figure(t, "wasmgo_http_instances"), len(files), pss}
}

// curl runs curl in the daemons' network, and returns what it has printed.
func (w web) curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Netns.Output("curl", append([]string{"--silent", "--show-error", "--max-time", "60", "--noproxy", "*"}, args...)...)
	if err != nil {
		t.Errorf("curl %q: %v\n%.2000s", args, err, out)
	}
	return out
}

// protocols are those that a server without TLS speaks, as curl asks for them.
var protocols = map[string]string{"--http1.1": "1.1", "--http2-prior-knowledge": "2"}

// clientsOf has curl ask a server for all that it has, by both protocols. inside is where it reaches itself.
func (w web) clientsOf(t *testing.T, host, inside string) {
	t.Helper()
	url := "http://" + host
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, []byte(bigContent), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, version := range protocols {
		back := filepath.Join(dir, "back")
		w.curl(t, flag, "--output", back, "--data-binary", "@"+big, "--header", "Expect:", url+"/echo")
		if readFile(t, back) != bigContent {
			t.Errorf("%s %s: the echo of %d bytes is another", host, flag, len(bigContent))
		}
		w.curl(t, flag, "--output", back, url+"/file"+bigFile)
		if readFile(t, back) != bigContent {
			t.Errorf("%s %s: the file is another", host, flag)
		}
		for _, c := range []struct {
			args []string
			want string // in what curl prints
		}{
			{[]string{"--include", url + "/count"}, "HTTP/" + version + " 200"},
			{[]string{"--header", "X-One: 1", url + "/headers"}, "x-one: 1\n"},
			{[]string{"--head", url + "/count"}, "HTTP/" + version + " 200"},
			{[]string{"--data", "abc", "--header", "Transfer-Encoding: chunked", "--write-out", "%{http_code} %header{x-sum}", url + "/trailers"}, "200"},
			{[]string{"--include", "--raw", "--data", "abcdefg", url + "/trailers"}, map[bool]string{true: "X-Sum: 7", false: ""}[version == "1.1"]},
			{[]string{"--header", "X-Target: http://" + inside + "/echo", "--data", "through", url + "/proxy"}, "through"},
			{[]string{"--data-binary", "@" + big, "--header", "Expect: 100-continue", "--output", os.DevNull, "--write-out", "%{http_code} %{size_download}", url + "/echo"}, fmt.Sprintf("200 %d", len(bigContent))},
			{[]string{"--write-out", "%{http_code}", url + "/trap"}, "500"},
		} {
			if got := w.curl(t, append([]string{flag}, c.args...)...); !strings.Contains(got, c.want) {
				t.Errorf("%s: curl %s %q printed %q, want %q in it", host, flag, c.args, got, c.want)
			}
		}
	}
	// Two requests are one connection's, also where the guest leaves a body unread. Not over HTTP/2: the curl of Debian 12 has a bug there.
	for _, flags := range [][]string{{url + "/count", url + "/count"}, {"--data", "unread", url + "/early", url + "/early"}} {
		got := w.curl(t, append([]string{"--write-out", "%{num_connects} ", "--output", os.DevNull, "--output", os.DevNull}, flags...)...)
		if got != "1 0 " {
			t.Errorf("%s: curl %q made connections: %s", host, flags, got)
		}
	}
}

// load has h2load ask many times, over several connections with several streams each; nothing may fail.
func (w web) load(t *testing.T, url string, flags ...string) {
	t.Helper()
	const requests = 5000
	out, err := w.Netns.Output("h2load", append(flags, "--requests", strconv.Itoa(requests), url)...)
	want := fmt.Sprintf("%d succeeded, 0 failed, 0 errored, 0 timeout", requests)
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("h2load %q %s: %v\n%s", flags, url, err, out)
	}
}

var webClientCases = []webCase{
	{"curl has everything that a server has, over HTTP/1.1 and HTTP/2, through containerd, by IPv4 and IPv6", func(t *testing.T, w web) {
		s := w.serve(t, nil, "WASMGO_HTTP_ADDR=:18901")
		_, port, _ := strings.Cut(strings.TrimPrefix(s.addr, "[::]"), ":")
		for _, host := range []string{"127.0.0.1:" + port, "[::1]:" + port} {
			w.clientsOf(t, host, host)
		}
		s.addr = "127.0.0.1:" + port
		s.stop(t)
	}},
	{"curl has the same at a port that docker publishes, by IPv4 and IPv6, and files of a volume", func(t *testing.T, w web) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "page"), []byte("of the volume"), 0o644); err != nil {
			t.Fatal(err)
		}
		name := w.docker.web(t, "--publish", "18902:8080", "--volume", dir+":/volume:ro")
		for _, host := range []string{"127.0.0.1:18902", "[::1]:18902"} {
			w.clientsOf(t, host, "127.0.0.1:8080")
			if got := w.curl(t, "http://"+host+"/file/volume/page"); got != "of the volume" {
				t.Errorf("a file of the volume is %q", got)
			}
		}
		w.docker.complains(t, name, "wasm backtrace")
		w.docker.Docker(t, "stop", name).Output(t)
		if code := w.docker.inspect(t, name, "{{.State.ExitCode}}"); code != "0" {
			t.Errorf("exit code %s", code)
		}
	}},
	{"h2load loses no request, over HTTP/1.1 and HTTP/2, through containerd and docker", func(t *testing.T, w web) {
		s := w.serve(t, nil)
		w.docker.web(t, "--publish", "18903:8080")
		for _, host := range []string{s.addr, "127.0.0.1:18903"} {
			w.load(t, "http://"+host+"/count", "--clients", "8", "--max-concurrent-streams", "16")
			w.load(t, "http://"+host+"/count", "--clients", "16", "--h1")
		}
		if n := s.figure(t, "wasmgo_http_traps_total"); n != 0 {
			t.Errorf("%d traps", n)
		}
		s.stop(t)
	}},
	{"100 MB go through a server both ways at the same time, in as much memory as before", func(t *testing.T, w web) {
		s := w.serve(t, nil)
		for _, h2 := range []bool{false, true} {
			c := browser(t, w.Netns, h2)
			ask(t, c, http.MethodPost, s.url("/echo"), strings.NewReader(bigContent))
			before := s.footprint(t)
			most := 0
			const size = 100_000_000
			n, err := s.echo(t, c, size, func() { most = max(most, s.footprint(t).pss) })
			if err != nil || n != size {
				t.Errorf("%d bytes came back, %v", n, err)
			}
			t.Logf("HTTP/2 %v: %d KiB before, at most %d in between", h2, before.pss, most)
			if grown := most - before.pss; most == 0 || grown > 16<<10 {
				t.Errorf("it took %d KiB more in between", grown)
			}
			c.CloseIdleConnections()
		}
		s.stop(t)
	}},
}

var webStartCases = []webCase{
	{"a guest that cannot start is not served, and its container says why", func(t *testing.T, w web) {
		for name, says := range map[string]string{"http_start_loop": "the guest has not started within http-timeout", "http_start_trap": "wasm backtrace"} {
			code, _, errs := w.env.run(t, inHostNetwork(guest("/"+name+".wasm")).with(oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0", "WASMGO_HTTP_TIMEOUT=300ms"})))
			if want := "/" + name + ".wasm cannot be served: "; code != 126 || !strings.Contains(errs, want) || !strings.Contains(errs, says) {
				t.Errorf("%s: exit code %d: %s", name, code, errs)
			}
		}
		waits := w.env.start(t, inHostNetwork(guest("/http_start_loop.wasm")).with(oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"})))
		waits.kill(t, syscall.SIGTERM)
		if code := waits.end(t); code != 143 {
			t.Errorf("one that is told to end before it has started ends with %d", code)
		}
	}},
}

// web starts the guest http_tool by docker.
func (d docker) web(t *testing.T, flags ...string) (name string) {
	t.Helper()
	name = fmt.Sprintf("web%d", d.last.Add(1))
	all := append([]string{"run", "--detach", "--name", name, "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...)
	d.Docker(t, append(all, webImage, "/http_tool.wasm")...).Output(t)
	t.Cleanup(func() { d.remove(t, name) })
	d.complains(t, name, "answers HTTP at [::]:8080")
	return name
}

// echo sends so many bytes and reads them back; look is called a few times in between.
func (s *site) echo(t *testing.T, c *http.Client, size int64, look func()) (int64, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url("/echo"), io.LimitReader(zeroes{}, size))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	total := int64(0)
	for range 5 {
		n, err := io.CopyN(io.Discard, res.Body, size/6)
		if total += n; err != nil {
			return total, err
		}
		look()
	}
	n, err := io.Copy(io.Discard, res.Body)
	return total + n, err
}

// zeroes are without end.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
