package settings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/handover"
)

// kind is what values of a setting look like. Read's errors say what would be right; they name neither setting nor value.
type kind[T any] struct {
	name string
	bare bool
	read func(text string) (T, error)
	// show is a value as others may see it, without its password, say; nil where all of it may be seen.
	show func(text string) string
	// above reports whether x is more than bound; nil where values have no order.
	above func(x, bound T) bool
	// join puts two together; nil where that makes no sense.
	join func(a, b T) T
}

func want(format string, args ...any) error {
	return fmt.Errorf("want "+format+": %w", append(args, errdefs.ErrInvalidArgument)...)
}

// boolean is true or false.
func boolean() kind[bool] {
	return kind[bool]{name: "`true` or `false`", bare: true, read: func(text string) (bool, error) {
		if text != "true" && text != "false" {
			return false, want("true or false")
		}
		return text == "true", nil
	}}
}

// off is on or off; it is true for off, and off wins.
func off() kind[bool] {
	return kind[bool]{
		name: "`on` or `off`",
		read: func(text string) (bool, error) {
			if text != "on" && text != "off" {
				return false, want("on or off")
			}
			return text == "off", nil
		},
		join: func(a, b bool) bool { return a || b },
	}
}

// most is far above what is of use for a count, and below what any sum would run over.
const most = 1 << 20

// count is a number from least to largest.
func count(least, largest int) kind[int] {
	return kind[int]{
		name: fmt.Sprintf("number, %d to %d", least, largest), bare: true,
		read: func(text string) (int, error) {
			n, err := strconv.Atoi(text)
			if err != nil || n < least || n > largest {
				return 0, want("a number from %d to %d", least, largest)
			}
			return n, nil
		},
		above: func(x, bound int) bool { return x > bound },
	}
}

// countOrNone is a number from 0 to largest. 0 comes out as -1, since 0 is "not set" to those who get it.
func countOrNone(largest int) kind[int] {
	k := count(0, largest)
	read := k.read
	k.read = func(text string) (int, error) {
		n, err := read(text)
		if err == nil && n == 0 {
			n = -1
		}
		return n, err
	}
	return k
}

// size is a number of bytes above 0.
func size() kind[int64] {
	return kind[int64]{
		name: "size, such as `64MiB`",
		read: func(text string) (int64, error) {
			n, err := ParseSize(text)
			if err == nil && n == 0 {
				err = want("a size above 0, such as 64MiB")
			}
			return n, err
		},
		above: func(x, bound int64) bool { return x > bound },
	}
}

// ParseSize reads a number of bytes: digits, and then nothing or one of K, M, G, T, KiB, MiB, GiB, TiB, each 1024 of the one
// before. Anything else, and a number of bytes beyond 2^62, is errdefs.ErrInvalidArgument.
func ParseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMGTiB")
	suffix := text[len(digits):]
	unit := strings.TrimSuffix(suffix, "iB")
	shift := 0
	if unit != "" {
		shift = 10 * (1 + strings.Index("KMGT", unit))
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || len(unit) > 1 || suffix == "iB" || shift == 0 && suffix != "" {
		return 0, want("a size in bytes, such as 64MiB or 4GiB")
	}
	if n > 1<<62>>shift {
		return 0, want("a size below 2^62 bytes, such as 4GiB")
	}
	return int64(n << shift), nil
}

// duration is a time above 0 and at most largest.
func duration(largest time.Duration) kind[time.Duration] {
	name := "time, such as `500ms`, `30s` or `5m`"
	if largest < math.MaxInt64 {
		name += fmt.Sprintf(", at most %s", largest)
	}
	return kind[time.Duration]{
		name: name,
		read: func(text string) (time.Duration, error) {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 {
				return 0, want("a time, such as 500ms, 30s or 5m")
			}
			if d > largest {
				return 0, want("a time of at most %s", largest)
			}
			return d, nil
		},
		above: func(x, bound time.Duration) bool { return x > bound },
	}
}

// choice is one of some words.
func choice(words ...string) kind[string] {
	return kind[string]{name: "`" + strings.Join(words, "`, `") + "`", read: func(text string) (string, error) {
		for _, w := range words {
			if text == w {
				return w, nil
			}
		}
		return "", want("one of %s", strings.Join(words, ", "))
	}}
}

// text is any that is not empty.
func text() kind[string] {
	return kind[string]{name: "text", read: func(text string) (string, error) {
		if text == "" || strings.ContainsRune(text, 0) {
			return "", want("a text that is not empty")
		}
		return text, nil
	}}
}

// path is an absolute path.
func path() kind[string] {
	return kind[string]{name: "absolute path", read: func(text string) (string, error) {
		if !strings.HasPrefix(text, "/") || strings.ContainsRune(text, 0) {
			return "", want("an absolute path")
		}
		return text, nil
	}}
}

// address is where to listen: host:port, :port, or port. Whether the host is an address the runner says, which has a library
// for it; the programs that every container starts are without.
func address() kind[string] {
	return kind[string]{name: "IP address and port, such as `0.0.0.0:8080` or `:8080`", read: func(text string) (string, error) {
		if !strings.Contains(text, ":") {
			text = ":" + text
		}
		i := strings.LastIndexByte(text, ':')
		if _, err := strconv.ParseUint(text[i+1:], 10, 16); err != nil || strings.Trim(text[:i], "0123456789abcdefABCDEF.:[]") != "" {
			return "", want("an IP address and a port, such as 0.0.0.0:8080, [::1]:8080 or :8080")
		}
		return text, nil
	}}
}

// parts is a list of parts of the network. The empty list denies nothing, so that a container can say so where its image says something.
func parts() kind[handover.Deny] {
	return kind[handover.Deny]{
		name: "any of `tcp`, `udp`, `dns`, with commas between them",
		read: func(text string) (d handover.Deny, err error) {
			if text == "" {
				return d, nil
			}
			for part := range strings.SplitSeq(text, ",") {
				switch strings.TrimSpace(part) {
				case "tcp":
					d.TCP = true
				case "udp":
					d.UDP = true
				case "dns":
					d.DNS = true
				default:
					return handover.Deny{}, want("any of tcp, udp, dns, with commas between them")
				}
			}
			return d, nil
		},
		join: func(a, b handover.Deny) handover.Deny {
			return handover.Deny{TCP: a.TCP || b.TCP, UDP: a.UDP || b.UDP, DNS: a.DNS || b.DNS}
		},
	}
}
