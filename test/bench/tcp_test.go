package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
)

const (
	tcpTimes  = 7
	tcpBytes  = 512 << 20 // there and back
	tcpChunk  = 64 << 10
	tcpRounds = 20000 // of one byte there and back
)

// tcpEcho is how fast an echo server answers a client that sends and receives all the time: the Rust guest of test/guests in the runner
// beside the same loop in Go, each a process of its own, in turn, over the loopback device. Round trips are of one byte.
func tcpEcho(t *testing.T, _ *setting) {
	runner, dir := daemon.Runner(t), t.TempDir()
	file, err := os.ReadFile(guests.Component(t, "rust_net"))
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Compile(runner, file, dir); err != nil {
		t.Fatal(err)
	}
	var component, native, componentTrip, nativeTrip []float64
	for range tcpTimes {
		rate, trip := measureEcho(t, nativeServer)
		native, nativeTrip = append(native, rate), append(nativeTrip, trip)
		rate, trip = measureEcho(t, func(t *testing.T) (string, func() error) { return componentServer(t, runner, dir) })
		component, componentTrip = append(component, rate), append(componentTrip, trip)
	}
	var ratios []float64
	for i := range native {
		ratios = append(ratios, component[i]/native[i])
	}
	record("component_tcp_mb_s", "MB/s", median(component), component)
	record("native_tcp_mb_s", "MB/s", median(native), native)
	record("component_tcp_roundtrip_us", "us", median(componentTrip), componentTrip)
	record("native_tcp_roundtrip_us", "us", median(nativeTrip), nativeTrip)
	record("component_tcp_vs_native", "x", median(component)/median(native), ratios)
}

// measureEcho returns MB/s through a server, and µs of a round trip. start gives a server's port and waits for its end.
func measureEcho(t *testing.T, start func(*testing.T) (string, func() error)) (rate, trip float64) {
	t.Helper()
	port, wait := start(t)
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	one := make([]byte, 1)
	begun := time.Now()
	for range tcpRounds {
		_, err := c.Write(one)
		if err == nil {
			_, err = io.ReadFull(c, one)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	trip = float64(time.Since(begun).Microseconds()) / tcpRounds

	sent := make(chan error, 1)
	begun = time.Now()
	go func() {
		b := make([]byte, tcpChunk)
		var err error
		for n := 0; n < tcpBytes && err == nil; n += len(b) {
			_, err = c.Write(b)
		}
		if err == nil {
			err = c.(*net.TCPConn).CloseWrite()
		}
		sent <- err
	}()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, tcpChunk))
	took := time.Since(begun)
	if sendErr := <-sent; err != nil || sendErr != nil || n != tcpBytes {
		t.Fatalf("%d bytes came back: %v, %v", n, err, sendErr)
	}
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	return float64(n) / 1e6 / took.Seconds(), trip
}

// componentServer is the guest.
func componentServer(t *testing.T, runner, dir string) (port string, wait func() error) {
	t.Helper()
	p, err := direct.Start(runner, dir, "serve", "127.0.0.1:0", "1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Begin(); err != nil {
		t.Fatal(err)
	}
	return listening(t, p.Stdout), p.Wait
}

// echoVariable makes this program a native echo server for one connection.
const echoVariable = "WASMGO_BENCH_ECHO"

func nativeServer(t *testing.T) (port string, wait func() error) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stderr = []string{echoVariable + "=1"}, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return listening(t, out), cmd.Wait
}

// listening reads the port out of the line that a server prints first.
func listening(t *testing.T, out io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	port, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if _, bad := strconv.Atoi(port); err != nil || !found || bad != nil {
		t.Fatalf("the server says %q, %v", line, err)
	}
	return port
}

// nativeEcho is the server loop of the guest, with a buffer of the same size.
func nativeEcho() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on %d\n", l.Addr().(*net.TCPAddr).Port)
	c, err := l.Accept()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	b := make([]byte, 16384)
	for {
		n, err := c.Read(b)
		if err == nil {
			_, err = c.Write(b[:n])
		}
		if err != nil {
			return
		}
	}
}
