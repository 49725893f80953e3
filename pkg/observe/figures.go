package observe

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bounds are the upper bounds of the buckets of times, in seconds.
var bounds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram counts times.
type histogram struct {
	buckets []uint64 // one for each bound, without those below it
	count   uint64
	sum     time.Duration
}

func (h *histogram) add(d time.Duration) {
	if h.buckets == nil {
		h.buckets = make([]uint64, len(bounds))
	}
	if i, _ := slices.BinarySearch(bounds, d.Seconds()); i < len(bounds) {
		h.buckets[i]++
	}
	h.count++
	h.sum += d
}

// figures counts what a shim does.
type figures struct {
	namespace  string
	containers func() int
	door       *door

	mu       sync.Mutex
	calls    map[[2]string]uint64 // by method and code
	times    map[string]*histogram
	hits     uint64
	compiles histogram
}

func newFigures(c Config) (*figures, error) {
	f := &figures{namespace: c.Namespace, containers: c.Containers, calls: map[[2]string]uint64{}, times: map[string]*histogram{}}
	var err error
	f.door, err = openDoor(c.Metrics, f.page)
	if err != nil {
		return nil, fmt.Errorf("setting metrics: %w", err)
	}
	return f, nil
}

// close takes the socket away and leaves what was counted for those who add up.
func (f *figures) close() error { return f.door.close(f.totals) }

// call counts a call. How long a Wait takes says nothing of the shim.
func (f *figures) call(method, code string, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[[2]string{method, code}]++
	if method == "Wait" {
		return
	}
	if f.times[method] == nil {
		f.times[method] = &histogram{}
	}
	f.times[method].add(took)
}

// compiled counts a module that was compiled, or, when that took no time, was there already.
func (f *figures) compiled(took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if took == 0 {
		f.hits++
		return
	}
	f.compiles.add(took)
}

// page is all there is to say, in Prometheus' text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
func (f *figures) page() string {
	var b strings.Builder
	b.WriteString(f.totals())
	space := label("namespace", f.namespace)
	fmt.Fprintf(&b, "# TYPE wasmgo_shim_containers gauge\nwasmgo_shim_containers{%s} %d\n", space, f.containers())
	fmt.Fprintf(&b, "# TYPE wasmgo_shims gauge\nwasmgo_shims{%s} 1\n", space)
	fmt.Fprintf(&b, "# TYPE wasmgo_shim_resident_bytes gauge\nwasmgo_shim_resident_bytes{%s} %d\n", space, resident())
	return b.String()
}

// totals are the figures that only grow.
func (f *figures) totals() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	space := label("namespace", f.namespace)
	b.WriteString("# TYPE wasmgo_shim_calls_total counter\n")
	for _, k := range slices.SortedFunc(maps.Keys(f.calls), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		fmt.Fprintf(&b, "wasmgo_shim_calls_total{%s,%s,%s} %d\n", space, label("method", k[0]), label("code", k[1]), f.calls[k])
	}
	b.WriteString("# TYPE wasmgo_shim_call_seconds histogram\n")
	for _, method := range slices.Sorted(maps.Keys(f.times)) {
		f.times[method].write(&b, "wasmgo_shim_call_seconds", space+","+label("method", method))
	}
	fmt.Fprintf(&b, "# TYPE wasmgo_cache_hits_total counter\nwasmgo_cache_hits_total{%s} %d\n", space, f.hits)
	b.WriteString("# TYPE wasmgo_compile_seconds histogram\n")
	f.compiles.write(&b, "wasmgo_compile_seconds", space)
	return b.String()
}

func (h *histogram) write(b *strings.Builder, name, labels string) {
	sum := uint64(0)
	for i, bound := range bounds {
		if h.buckets != nil {
			sum += h.buckets[i]
		}
		fmt.Fprintf(b, "%s_bucket{%s,le=\"%s\"} %d\n", name, labels, strconv.FormatFloat(bound, 'g', -1, 64), sum)
	}
	fmt.Fprintf(b, "%s_bucket{%s,le=\"+Inf\"} %d\n%s_sum{%s} %s\n%s_count{%s} %d\n", name, labels, h.count,
		name, labels, strconv.FormatFloat(h.sum.Seconds(), 'g', -1, 64), name, labels, h.count)
}

// label is a label with its value, escaped as the format has it.
func label(name, value string) string {
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

// resident is the memory of this process that is in RAM, in bytes, 0 if that cannot be told.
func resident() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
