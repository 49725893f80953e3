package observe

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"
)

const (
	// batchDelay is how long a span waits for others, unless OTEL_BSP_SCHEDULE_DELAY says otherwise. A process is started for each batch.
	batchDelay = 5 * time.Second
	// mostSpans are kept; of more the oldest are lost.
	mostSpans = 2048
)

// wanted reports whether the environment wants spans: it names a collector, and does not say otherwise. What is wrong with the variables the
// exporting process says.
func wanted(environ []string) bool {
	exporter := variable(environ, "OTEL_TRACES_EXPORTER")
	return !strings.EqualFold(variable(environ, "OTEL_SDK_DISABLED"), "true") && exporter != "none" &&
		(variable(environ, "OTEL_EXPORTER_OTLP_ENDPOINT") != "" || variable(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

// variable is the last of that name in an environment, which counts.
func variable(environ []string, name string) (value string) {
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

// traces keeps spans and hands them on in batches.
type traces struct {
	exporter string
	args     []string
	environ  []string
	sample   sampler
	delay    time.Duration

	exports sync.WaitGroup // of processes that export

	mu     sync.Mutex
	spans  []Record
	lost   int
	timer  *time.Timer // of the batch that is being filled, nil for none
	closed bool
}

func newTraces(c Config) *traces {
	t := &traces{exporter: c.Exporter, args: []string{"spans", c.Namespace, c.ID}, environ: c.Environ, delay: batchDelay}
	t.sample = newSampler(variable(c.Environ, "OTEL_TRACES_SAMPLER"), variable(c.Environ, "OTEL_TRACES_SAMPLER_ARG"))
	if ms, err := strconv.Atoi(variable(c.Environ, "OTEL_BSP_SCHEDULE_DELAY")); err == nil && ms > 0 {
		t.delay = time.Duration(ms) * time.Millisecond
	}
	return t
}

// add takes a span that has ended.
func (t *traces) add(r Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if len(t.spans) == mostSpans {
		t.spans = t.spans[1:]
		t.lost++
	}
	t.spans = append(t.spans, r)
	if t.timer == nil {
		t.timer = time.AfterFunc(t.delay, func() {
			if err := t.flush(false); err != nil {
				log.L.WithError(err).Warn("traces are lost")
			}
		})
	}
}

// take empties the batch. Last is the end of all.
func (t *traces) take(last bool) (spans []Record, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.closed = t.closed || last
	spans, lost = t.spans, t.lost
	t.spans, t.lost = nil, 0
	if !last && len(spans) > 0 {
		t.exports.Add(1) // under the lock, so before the end waits
	}
	return spans, lost
}

// flush hands the batch to a process that exports it. The last one outlives the shim, which nobody has to wait for.
func (t *traces) flush(last bool) error {
	spans, lost := t.take(last)
	if len(spans) == 0 {
		return nil
	}
	if lost > 0 {
		log.L.WithField("spans", lost).Warn("traces are lost: there were too many at a time")
	}
	cmd, err := t.start(spans)
	if last {
		if err != nil {
			return err
		}
		return cmd.Process.Release()
	}
	defer t.exports.Done()
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s spans: %w", t.exporter, err)
	}
	return nil
}

// start starts the exporting process on spans. What it has to say goes where the shim's own words go.
func (t *traces) start(spans []Record) (*exec.Cmd, error) {
	body, err := json.Marshal(spans)
	if err != nil {
		return nil, fmt.Errorf("encode spans: %w", err)
	}
	fd, err := unix.MemfdCreate("spans", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "spans")
	defer f.Close()
	if _, err := f.Write(body); err != nil {
		return nil, fmt.Errorf("hand spans on: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("hand spans on: %w", err)
	}
	cmd := &exec.Cmd{
		Path: t.exporter, Args: append([]string{t.exporter}, t.args...), Env: t.environ, Stdin: f, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	return cmd, cmd.Start()
}

// close hands on what there is, and waits for those that export earlier batches.
func (t *traces) close() error {
	err := t.flush(true)
	t.exports.Wait()
	return err
}
