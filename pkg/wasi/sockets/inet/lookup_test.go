package inet

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// answer looks a name up and waits for all of the answer.
func answer(t testing.TB, n *Network, name string) ([]string, error) {
	t.Helper()
	l, err := n.Lookup(name)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	within(t, n, l)
	var all []string
	for {
		ip, err := l.Next()
		if err != nil || ip == nil {
			return all, err
		}
		all = append(all, ip.String())
	}
}

func TestLookupOfAddresses(t *testing.T) {
	n := newNetwork(t, Policy{})
	for name, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "::1": "::1", "::ffff:192.0.2.1": "192.0.2.1", "2001:DB8::1": "2001:db8::1",
	} {
		if got, err := answer(t, n, name); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	label := strings.Repeat("a", 63)
	for name, want := range map[string]string{
		"example.org":                   "example.org",
		"Example.ORG.":                  "example.org.",
		"bücher.example":                "xn--bcher-kva.example",
		"例え.テスト":                        "xn--r8jz45g.xn--zckzah",
		"my_service":                    "my_service",
		"r3---sn-x.example":             "r3---sn-x.example",
		"xn--bcher-kva.example":         "xn--bcher-kva.example",
		label + "." + label:             label + "." + label,
		"":                              "",
		".":                             "",
		"a..b":                          "",
		".a":                            "",
		"two words":                     "",
		"a/b":                           "",
		"host:80":                       "",
		"[::1]":                         "",
		"fe80::1%eth0":                  "",
		"nul\x00":                       "",
		"not UTF-8\xc3":                 "",
		"new\nline":                     "",
		"xn--a":                         "",
		label + "a":                     "",
		strings.Repeat("a.", 127) + "a": "",
	} {
		got, err := toASCII(name)
		if got != want || (want == "") != errors.Is(err, InvalidArgument) {
			t.Errorf("%q is %q, %v, want %q", name, got, err, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("example.org")
	f.Add("bücher.example.")
	f.Add("xn--a")
	f.Fuzz(func(t *testing.T, name string) {
		ascii, err := toASCII(name)
		if err != nil {
			return
		}
		if len(ascii) == 0 || len(ascii) > 254 || strings.ContainsFunc(ascii, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is %q", name, ascii)
		}
		if again, err := toASCII(ascii); err != nil || again != ascii {
			t.Errorf("%q is %q, which is %q, %v", name, ascii, again, err)
		}
	})
}

func TestLookupDenied(t *testing.T) {
	n := newNetwork(t, Policy{DenyDNS: true})
	for name, label := range map[string]string{
		"localhost": "access-denied", "example.org": "access-denied", "127.0.0.1": "ok", "no name": "invalid-argument",
	} {
		_, err := answer(t, n, name)
		want(t, "resolve-addresses of "+name, err, label)
	}
}

// A world is what the process that looks names up finds in its container.
type world struct {
	Files  map[string]string // of /etc
	Server string            // what the name server at 127.0.0.1 does: none, answer, fail, silent
	Names  []string
	Close  bool // close the lookups at once
}

// worldVariable holds a world as JSON; in a process that has it the tests are no tests but look names up.
const worldVariable = "WASMGO_TEST_WORLD"

func TestMain(m *testing.M) {
	if w := os.Getenv(worldVariable); w != "" {
		os.Exit(lookInside(w))
	}
	os.Exit(m.Run())
}

// TestLookup looks names up in processes that have an /etc and a network of their own. (They are processes because Go's resolver has a
// cache and goroutines, so that a thread of its own would not do.)
func TestLookup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making namespaces needs root")
	}
	hosts := "127.0.0.1 localhost\n192.0.2.5 db db.internal\n2001:db8::5 db\n"
	resolv := "nameserver 127.0.0.1\noptions timeout:1 attempts:1\nsearch example.org\n"
	for _, tt := range []struct {
		name  string
		world world
		want  string
	}{
		{
			"what /etc/hosts says",
			world{Files: map[string]string{"hosts": hosts}, Names: []string{"db", "localhost"}},
			"db: 192.0.2.5 2001:db8::5\nlocalhost: 127.0.0.1\n",
		},
		{
			"no files at all, as ctr run leaves it",
			world{Names: []string{"localhost", "app.localhost.", "db"}},
			"localhost: 127.0.0.1 ::1\napp.localhost.: 127.0.0.1 ::1\ndb: temporary-resolver-failure\n",
		},
		{
			"what the server says",
			world{
				Files: map[string]string{"resolv.conf": resolv, "hosts": hosts}, Server: "answer",
				Names: []string{"www.example.org", "www", "missing.example.org", "empty.example.org", "db.internal"},
			},
			"www.example.org: 192.0.2.1 2001:db8::1\nwww: 192.0.2.1 2001:db8::1\nmissing.example.org: name-unresolvable\n" +
				"empty.example.org: name-unresolvable\ndb.internal: 192.0.2.5\n",
		},
		{
			"a server that cannot answer",
			world{Files: map[string]string{"resolv.conf": resolv}, Server: "fail", Names: []string{"www.example.org"}},
			"www.example.org: temporary-resolver-failure\n",
		},
		{
			"no server",
			world{Files: map[string]string{"resolv.conf": resolv}, Names: []string{"www.example.org"}},
			"www.example.org: temporary-resolver-failure\n",
		},
		{
			"a server that says nothing",
			world{Files: map[string]string{"resolv.conf": resolv}, Server: "silent", Names: []string{"www.example.org"}},
			"www.example.org: temporary-resolver-failure\n",
		},
		{
			"a lookup that is given up",
			world{
				Files:  map[string]string{"resolv.conf": "nameserver 127.0.0.1\noptions timeout:60 attempts:9\n"},
				Server: "silent", Names: []string{"www.example.org"}, Close: true,
			},
			"closed, nothing is left\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(tt.world)
			must(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			child := exec.CommandContext(ctx, "/proc/self/exe")
			child.Env = []string{worldVariable + "=" + string(text), "PATH=" + os.Getenv("PATH")}
			child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
			got, err := child.CombinedOutput()
			if err != nil || string(got) != tt.want {
				t.Errorf("%v:\n%swant:\n%s", err, got, tt.want)
			}
		})
	}
}

// lookInside looks names up in a process of their own, and prints what they are.
func lookInside(text string) int {
	var w world
	err := json.Unmarshal([]byte(text), &w)
	if err == nil {
		err = w.enter()
	}
	if err == nil {
		err = w.look()
	}
	if err != nil {
		println(err.Error())
		return 1
	}
	return 0
}

// enter makes the process's /etc and network.
func (w world) enter() error {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return errors.New(string(out))
	}
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("etc", "/etc", "tmpfs", 0, "")); err != nil {
		return err
	}
	for name, content := range w.Files {
		if err := os.WriteFile(filepath.Join("/etc", name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if w.Server == "" {
		return nil
	}
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err != nil {
		return err
	}
	go w.serve(server) // as long as the process lives
	return nil
}

// serve is a name server that knows www.example.org, and that empty.example.org has no addresses.
func (w world) serve(server *net.UDPConn) {
	var buf [512]byte
	for {
		n, from, err := server.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(buf[:n]); err != nil || w.Server == "silent" || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		switch name := q.Name.String(); {
		case w.Server == "fail":
			m.RCode = dnsmessage.RCodeServerFailure
		case name == "www.example.org." && q.Type == dnsmessage.TypeA:
			m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: netip.MustParseAddr("192.0.2.1").As4()}}}
		case name == "www.example.org." && q.Type == dnsmessage.TypeAAAA:
			m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::1").As16()}}}
		case name != "empty.example.org.":
			m.RCode = dnsmessage.RCodeNameError
		}
		if packed, err := m.Pack(); err == nil {
			_, _ = server.WriteToUDPAddrPort(packed, from)
		}
	}
}

func (w world) look() error {
	poller, err := wasiio.NewPoller()
	if err != nil {
		return err
	}
	n := New(poller, Policy{})
	before := runtime.NumGoroutine()
	for _, name := range w.Names {
		l, err := n.Lookup(name)
		if err != nil {
			return err
		}
		if w.Close {
			if _, err := l.Next(); !errors.Is(err, WouldBlock) {
				return errors.New("there is an answer")
			}
			l.Close()
			// Go's resolver has goroutines of its own, which end when they hear of it.
			for runtime.NumGoroutine() > before {
				runtime.Gosched()
			}
			os.Stdout.WriteString("closed, nothing is left\n")
			continue
		}
		if err := poller.Block(l); err != nil {
			return err
		}
		var found []string
		for ip, err := l.Next(); err != nil || ip != nil; ip, err = l.Next() {
			if err != nil {
				found = append(found, labelOf(err))
				break
			}
			found = append(found, ip.String())
		}
		slices.Sort(found) // the order is that of RFC 6724, which is none where no address can be reached
		os.Stdout.WriteString(name + ": " + strings.Join(found, " ") + "\n")
		l.Close()
	}
	return errors.Join(n.Close(), poller.Close())
}

func TestTooManyLookups(t *testing.T) {
	n := newNetwork(t, Policy{})
	all := make([]*Lookup, 0, maxLookups)
	for range maxLookups {
		l, err := n.Lookup("localhost")
		must(t, err)
		all = append(all, l)
	}
	_, err := n.Lookup("localhost")
	want(t, "one lookup too many", err, "temporary-resolver-failure")
	for _, l := range all {
		l.Close()
	}
	if _, err := answer(t, n, "localhost"); err != nil {
		t.Errorf("after the others were closed: %v", err)
	}
}
