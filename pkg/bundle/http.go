package bundle

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/handover"
)

// httpSettings are the rows about serving HTTP.
func httpSettings() []setting {
	row := func(key string, set func(h *handover.HTTP, value string) error) setting {
		return setting{key: key, annotation: true, variable: true, set: func(s *Settings, v string) error { return set(&s.HTTP, v) }}
	}
	return []setting{
		row("http-addr", func(h *handover.HTTP, v string) (err error) { h.Addr, err = parseAddr(v); return err }),
		row("http-metrics-addr", func(h *handover.HTTP, v string) (err error) { h.MetricsAddr, err = parseAddr(v); return err }),
		row("http-access-log", func(h *handover.HTTP, v string) error {
			if v != "stdout" && v != "stderr" && v != "" {
				return fmt.Errorf("want stdout or stderr: %w", errdefs.ErrInvalidArgument)
			}
			h.AccessLog = v
			return nil
		}),
		row("http-requests", func(h *handover.HTTP, v string) (err error) { h.Requests, err = parseCount(v, 1); return err }),
		row("http-queue", func(h *handover.HTTP, v string) (err error) { h.Queue, err = parseCount(v, 0); return err }),
		row("http-connections", func(h *handover.HTTP, v string) (err error) { h.Connections, err = parseCount(v, 1); return err }),
		row("http-reuse", func(h *handover.HTTP, v string) (err error) { h.Reuse, err = parseCount(v, 1); return err }),
		row("http-waiting", func(h *handover.HTTP, v string) (err error) { h.Waiting, err = parseCount(v, 0); return err }),
		row("http-timeout", func(h *handover.HTTP, v string) (err error) { h.Timeout, err = parseDuration(v); return err }),
		row("http-body", func(h *handover.HTTP, v string) (err error) { h.Body, err = parseBytes(v); return err }),
		row("http-memory", func(h *handover.HTTP, v string) (err error) { h.Memory, err = parseBytes(v); return err }),
	}
}

// parseAddr reads an address to listen at: host:port, :port, or port. Whether the host is an address the runner says, which has a library
// for it; the programs that every container starts are without.
func parseAddr(value string) (string, error) {
	addr := value
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	i := strings.LastIndexByte(addr, ':')
	if _, err := strconv.ParseUint(addr[i+1:], 10, 16); err != nil || strings.Trim(addr[:i], "0123456789abcdefABCDEF.:[]") != "" {
		return "", fmt.Errorf("want an IP address and a port, such as 0.0.0.0:8080, [::1]:8080 or :8080: %w", errdefs.ErrInvalidArgument)
	}
	return addr, nil
}

// most is far above what is of use, and below what any sum would run over.
const most = 1 << 20

// parseCount reads a number that is at least least. 0, where that may be said, comes out as -1: 0 is "not set".
func parseCount(value string, least int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("want a number from %d to %d: %w", least, most, errdefs.ErrInvalidArgument)
	}
	if n == 0 {
		n = -1
	}
	return n, nil
}

// parseDuration reads a time above 0, such as 30s or 5m.
func parseDuration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want a time, such as 500ms, 30s or 5m: %w", errdefs.ErrInvalidArgument)
	}
	return d, nil
}

// parseBytes reads a size above 0: a number of bytes, or one with KiB, MiB or GiB after it.
func parseBytes(value string) (int64, error) {
	digits, shift := value, 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if d, ok := strings.CutSuffix(value, unit); ok {
			digits, shift = d, 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("want a size, such as 64MiB: %w", errdefs.ErrInvalidArgument)
	}
	return int64(n << shift), nil
}
