package integration

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"

	"wasmgo/test/daemon"
)

// httpLanguages are the servers there are besides the one in Rust, and what tells of one that fails.
var httpLanguages = []struct {
	guest, language, fails, says, port string
	trailers                           bool
}{
	{"c_http", "C", "/trap", "wasm backtrace", "18111", true},
	{"go_http", "Go", "/panic", "a panic of Go", "18112", false},
	{"js_http", "JavaScript", "/throw", "thrown by JavaScript", "18113", false},
	{"python_http", "Python", "/raise", "RuntimeError: raised by Python", "18114", true},
}

// trailers sends some and gets some.
func (l languages) trailers(t *testing.T, url, language string) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/trailers", io.MultiReader(strings.NewReader("abc"), strings.NewReader("defg")))
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-End": {"well"}}
		res, err := browser(t, l.Netns, h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(b) != "x-end: well\n" || res.Trailer.Get("X-Sum") != "7" {
			t.Errorf("%s: %q, trailers %v, %v", language, b, res.Trailer, err)
		}
	}
}

// serveLanguage asks one for everything that it has, over HTTP/1.1 and HTTP/2; backend is a server that echoes.
func (l languages) serveLanguage(t *testing.T, url, backend, language, fails string) {
	t.Helper()
	long := strings.Repeat("0123456789", 50_000)
	for _, h2 := range []bool{false, true} {
		c := browser(t, l.Netns, h2)
		for _, r := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"/hello", "", 200, "hello from " + language + "\n"},
			{"/echo", long, 200, long},
			{"/headers", "", 201, "x-one: 1\n"},
			{"/proxy", long, 200, long},
			{fails, "", 500, ""},
			{"/nowhere", "", 404, "no such thing\n"},
		} {
			res, got := post(t, c, url+r.path, r.body, "X-One", "1", "X-Target", backend+"/echo")
			if res.StatusCode != r.status || got != r.want && r.want != "" && (r.path != "/headers" || !strings.Contains(got, r.want)) {
				t.Errorf("%s, %s: %d, %d bytes: %.80q", language, r.path, res.StatusCode, len(got), got)
			}
			if r.path == "/headers" && res.Header.Get("X-Language") != language {
				t.Errorf("%s: the headers are %v", language, res.Header)
			}
		}
	}
}

// post sends a body, with headers.
func post(t *testing.T, c *http.Client, url, body string, headers ...string) (res *http.Response, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if res, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v after %d bytes", url, err, len(b))
	}
	return res, string(b)
}

var languageHTTPCases = []languageCase{
	{"servers of HTTP in C, Go, JavaScript and Python answer, through containerd", func(t *testing.T, l languages) {
		anywhere := oci.WithEnv([]string{"WASMGO_HTTP_ADDR=127.0.0.1:0"})
		echo := l.env.start(t, inHostNetwork(guest("/http_tool.wasm")).with(anywhere))
		backend := "http://" + echo.address(t)
		for _, s := range httpLanguages {
			server := l.env.start(t, inHostNetwork(guest("/"+s.guest+".wasm")).with(anywhere))
			l.serveLanguage(t, "http://"+server.address(t), backend, s.language, s.fails)
			if s.trailers {
				l.trailers(t, "http://"+server.address(t), s.language)
			}
			server.stderr.await(t, s.says)
			server.kill(t, syscall.SIGTERM)
			if code := server.end(t); code != 0 {
				t.Errorf("%s: exit code %d\n%s", s.language, code, server.stderr)
			}
		}
		echo.kill(t, syscall.SIGTERM)
		echo.end(t)
	}},
	{"servers of HTTP in C, Go, JavaScript and Python answer at ports that docker publishes", func(t *testing.T, l languages) {
		run := func(name, file, port string) {
			l.docker.Docker(t, "run", "--detach", "--name", name, "--runtime", daemon.Runtime, "--platform", "wasi/wasm",
				"--publish", port+":8080", languagesImage, "/"+file+".wasm").Output(t)
			t.Cleanup(func() { l.docker.remove(t, name) })
			l.docker.complains(t, name, "answers HTTP at [::]:8080")
		}
		run("http_echo", "http_tool", "18110")
		backend := "http://" + l.docker.inspect(t, "http_echo", "{{.NetworkSettings.Networks.bridge.IPAddress}}") + ":8080"
		for _, s := range httpLanguages {
			run(s.guest, s.guest, s.port)
			l.serveLanguage(t, "http://127.0.0.1:"+s.port, backend, s.language, s.fails)
			if s.trailers {
				l.trailers(t, "http://127.0.0.1:"+s.port, s.language)
			}
			l.docker.complains(t, s.guest, s.says)
		}
	}},
}

// complains waits until a container has written text to its standard error.
func (d docker) complains(t *testing.T, name, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := d.Docker(t, "logs", "--follow", name).Prepare(ctx)
	r, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(all.String(), text) {
		n, err := r.Read(b)
		all.Write(b[:n])
		if err != nil {
			t.Fatalf("%s does not say %q, but %q: %v", name, text, &all, err)
		}
	}
	cancel()
	_ = cmd.Wait() // it was told to end
}
