package toolbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/abi"
)

func wgetApplet() Applet {
	return Applet{Name: "wget", Synopsis: "URL", Summary: "fetch a file by HTTP; there is no TLS here", run: wget, Flags: []Flag{
		{Short: 'O', Long: "output-document", Value: "FILE", Help: "write to FILE, - for standard output"},
		{Short: 'q', Long: "quiet", Help: "say nothing"},
		{Short: 'S', Long: "server-response", Help: "show the answer's header"},
		{Short: 'T', Long: "timeout", Value: "SECONDS", Help: "give up when nothing comes for so long, 30 without it"},
		{Long: "header", Value: "NAME: VALUE", Help: "send this field; may be there more than once"},
		{Long: "post-data", Value: "TEXT", Help: "send TEXT by POST"},
		{Long: "spider", Help: "only look whether it is there"},
		{Short: 'U', Long: "user-agent", Value: "NAME", Help: "say that one is NAME"},
	}}
}

// maxRedirects bounds how often another address is gone to.
const maxRedirects = 10

func wget(c *Call) error {
	if len(c.args) != 1 {
		return misused("wants a URL")
	}
	text := c.args[0]
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return misused("%v", err)
	}
	timeout := 30 * time.Second
	if text, ok := c.value("T"); ok {
		if timeout, err = seconds(text); err != nil {
			return err
		}
	}
	for range maxRedirects {
		next, err := c.fetch(u, timeout)
		if err != nil || next == nil {
			return err
		}
		u = next
	}
	return errors.New("too many redirections")
}

// fetch makes one request. It returns where the answer points to, if it does.
func (c *Call) fetch(u *url.URL, timeout time.Duration) (_ *url.URL, err error) {
	if u.Scheme != "http" {
		return nil, fmt.Errorf("%s: only http is known here, not %s", u.Redacted(), u.Scheme)
	}
	port := uint16(80)
	if text := u.Port(); text != "" {
		if port, err = parsePort(text); err != nil {
			return nil, err
		}
	}
	if !c.has("q") {
		fmt.Fprintf(c.stderr, "Connecting to %s\n", u.Host)
	}
	conn, err := dial(abi.TCP, u.Hostname(), port, timeout)
	if err != nil {
		return nil, err
	}
	stop := closeWith(c, conn)
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, c.request(u)); err != nil {
		return nil, err
	}
	in := bufio.NewReader(patient{conn, timeout})
	status, header, err := c.response(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Host, err)
	}
	if to := header["location"]; to != "" && status >= 300 && status < 400 {
		return u.Parse(to)
	}
	if status < 200 || status >= 300 {
		return nil, fmt.Errorf("%s: server returned error: HTTP %d", u.Redacted(), status)
	}
	if c.has("spider") {
		return nil, nil
	}
	return nil, c.save(u, body(in, status, header))
}

// patient is a connection on which something has to come now and then.
type patient struct {
	io.Reader
	timeout time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if d, ok := p.Reader.(interface{ SetDeadline(time.Time) error }); ok {
		if err := d.SetDeadline(time.Now().Add(p.timeout)); err != nil {
			return 0, err
		}
	}
	return p.Reader.Read(b)
}

// request is what is sent.
func (c *Call) request(u *url.URL) string {
	method, data := "GET", ""
	if text, ok := c.value("post-data"); ok {
		method, data = "POST", text
	} else if c.has("spider") {
		method = "HEAD"
	}
	agent, ok := c.value("U")
	if !ok {
		agent = "wasmgo-toolbox"
	}
	fields := []string{"Host: " + u.Host, "User-Agent: " + agent, "Accept: */*", "Connection: close"}
	if method == "POST" {
		fields = append(fields, "Content-Type: application/x-www-form-urlencoded", "Content-Length: "+strconv.Itoa(len(data)))
	}
	for _, h := range c.flags["header"] {
		name, _, _ := strings.Cut(h, ":")
		var kept []string
		for _, f := range fields {
			if !strings.EqualFold(name+":", f[:min(len(f), len(name)+1)]) {
				kept = append(kept, f)
			}
		}
		fields = append(kept, h)
	}
	clean := strings.NewReplacer("\r", "", "\n", "")
	for i := range fields {
		fields[i] = clean.Replace(fields[i])
	}
	return method + " " + u.RequestURI() + " HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n" + data
}

// response reads an answer's head.
func (c *Call) response(in *bufio.Reader) (int, fields, error) {
	for {
		line, err := httpLine(in)
		if err != nil {
			return 0, nil, err
		}
		version, rest, _ := strings.Cut(line, " ")
		code, _, _ := strings.Cut(rest, " ")
		status, err := strconv.Atoi(code)
		if err != nil || !strings.HasPrefix(version, "HTTP/") {
			return 0, nil, fmt.Errorf("no HTTP: %q", line)
		}
		header, err := readFields(in)
		if err != nil {
			return 0, nil, err
		}
		if c.has("S") {
			fmt.Fprintf(c.stderr, "  %s\n", line)
			for name, value := range header {
				fmt.Fprintf(c.stderr, "  %s: %s\n", name, value)
			}
		}
		if status >= 200 || status == 101 {
			return status, header, nil
		}
	}
}

// body is what follows an answer's head.
func body(in *bufio.Reader, status int, header fields) io.Reader {
	switch n, err := strconv.ParseInt(header["content-length"], 10, 64); {
	case status == 204:
		return strings.NewReader("")
	case strings.EqualFold(header["transfer-encoding"], "chunked"):
		return &chunked{in: in}
	case err == nil:
		return &exact{in, n}
	}
	return in
}

// exact is n bytes, and an error if there are fewer.
type exact struct {
	r io.Reader
	n int64
}

func (e *exact) Read(b []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.n)])
	e.n -= int64(n)
	if errors.Is(err, io.EOF) && e.n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunked is a body in chunks (RFC 9112, section 7.1).
type chunked struct {
	in   *bufio.Reader
	left int64
	last bool
	next bool // a line's end stands before the next chunk
}

func (r *chunked) Read(b []byte) (int, error) {
	for r.left == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.header(); err != nil {
			return 0, err
		}
	}
	n, err := r.in.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *chunked) header() error {
	if r.next {
		if line, err := httpLine(r.in); err != nil || line != "" {
			return errors.Join(errors.New("a chunk is longer than it says"), notEOF(err))
		}
	}
	line, err := httpLine(r.in)
	if err != nil {
		return errors.Join(io.ErrUnexpectedEOF, notEOF(err))
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 63)
	if err != nil || n < 0 {
		return fmt.Errorf("no size of a chunk: %q", line)
	}
	r.left, r.last, r.next = n, n == 0, true
	return nil
}

// save writes what was fetched to where it is wanted.
func (c *Call) save(u *url.URL, from io.Reader) (err error) {
	name, ok := c.value("O")
	if !ok {
		if name = path.Base(u.Path); name == "/" || name == "." {
			name = "index.html"
		}
	}
	if name == "-" {
		_, err := io.Copy(plainWriter{c.stdout}, from)
		return err
	}
	f, err := os.OpenFile(c.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return named(name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := io.Copy(watched{c.ctx, plainWriter{f}}, from)
	if err == nil && !c.has("q") {
		fmt.Fprintf(c.stderr, "'%s' saved, %d bytes\n", name, n)
	}
	return err
}

// fields are those of an answer's head, by their names in small letters; of several with one name the last.
type fields map[string]string

// maxHead bounds a line, and the number of lines, of an answer's head.
const (
	maxLine  = 64 << 10
	maxLines = 1000
)

// httpLine reads a line without its end.
func httpLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return strings.TrimRight(string(line), "\r\n"), nil
		case errors.Is(err, io.EOF):
			return "", io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case len(line) > maxLine:
			return "", errors.New("a line of the answer is too long")
		}
	}
}

func readFields(in *bufio.Reader) (fields, error) {
	all := fields{}
	for range maxLines {
		line, err := httpLine(in)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return all, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("no field of HTTP: %q", line)
		}
		all[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	return nil, errors.New("the head of the answer is too long")
}
