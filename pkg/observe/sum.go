package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/lockfile"
)

const (
	// gatherTimeout bounds the wait for the lock when figures are gathered, and answerTimeout the answer of one shim. One that is stopped does
	// not answer.
	gatherTimeout = 5 * time.Second
	answerTimeout = 500 * time.Millisecond
	// longestPage bounds what a shim may answer, in bytes.
	longestPage = 1 << 20
)

// Gather adds up the figures of the shims whose sockets are in the directory dir, and of those that have ended. A directory that is not
// there has none.
func Gather(ctx context.Context, dir string) (page string, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	// So that no shim is missed, or counted twice, while it ends.
	lock, err := lockfile.Acquire(ctx, filepath.Join(dir, lockName))
	if err != nil {
		return "", fmt.Errorf("gather figures: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	sum := NewSum()
	ended, err := os.ReadFile(filepath.Join(dir, endedName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("gather figures: %w", err)
	}
	sum.Add(string(ended))
	sockets, err := filepath.Glob(filepath.Join(dir, "*"+socketSuffix))
	if err != nil {
		return "", fmt.Errorf("gather figures: %w", err)
	}
	for _, socket := range sockets {
		page, err := ask(ctx, socket)
		if errors.Is(err, unix.ECONNREFUSED) {
			_ = os.Remove(socket) // its shim was killed
			continue
		}
		if err != nil {
			continue // a shim that does not answer is missing from the sum, and nothing else is
		}
		sum.Add(page)
	}
	return sum.String(), nil
}

// ask is the page of one shim.
func ask(ctx context.Context, socket string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: shim\r\n\r\n"); err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(conn, longestPage))
	if err != nil {
		return "", err
	}
	_, page, ok := strings.Cut(string(body), "\r\n\r\n")
	if !ok {
		return "", io.ErrUnexpectedEOF
	}
	return page, nil
}

// Sum adds up pages in Prometheus' text format, sample by sample of one name and the same labels.
type Sum struct {
	kinds   map[string]string   // the name of a family to its type
	order   []string            // of families
	samples map[string][]string // family to its samples in their order
	values  map[string]float64  // by sample
}

// NewSum returns the sum of nothing.
func NewSum() *Sum {
	return &Sum{kinds: map[string]string{}, samples: map[string][]string{}, values: map[string]float64{}}
}

// Add adds a page. Lines that are no samples, or of no family named above them, are passed over.
func (s *Sum) Add(page string) {
	family := ""
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, ok := strings.Cut(rest, " ")
			if !ok || name == "" || strings.ContainsAny(kind, " \r") {
				family = ""
				continue
			}
			if _, known := s.kinds[name]; !known {
				s.kinds[name] = kind
				s.order = append(s.order, name)
			}
			family = name
			continue
		}
		// Labels may have spaces in their values; a number has none.
		i := strings.LastIndexByte(line, ' ')
		if i <= 0 || strings.HasPrefix(line, "#") || family == "" || !strings.HasPrefix(line, family) {
			continue
		}
		value, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		if _, known := s.values[line[:i]]; !known {
			s.samples[family] = append(s.samples[family], line[:i])
		}
		if sum := s.values[line[:i]] + value; !math.IsInf(sum, 0) {
			s.values[line[:i]] = sum
		}
	}
}

// String is the sum as a page.
func (s *Sum) String() string {
	var b strings.Builder
	for _, family := range slices.Sorted(slices.Values(s.order)) {
		fmt.Fprintf(&b, "# TYPE %s %s\n", family, s.kinds[family])
		for _, sample := range s.samples[family] {
			fmt.Fprintf(&b, "%s %s\n", sample, strconv.FormatFloat(s.values[sample], 'f', -1, 64))
		}
	}
	return b.String()
}
