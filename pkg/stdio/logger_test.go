package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// roles are loggers that this test binary can be, by their CONTAINER_ID.
var roles = map[string]func(){
	"writes to a file": func() {
		stdout, stderr := os.NewFile(3, "stdout"), os.NewFile(4, "stderr")
		os.NewFile(5, "ready").Close()
		out, _ := io.ReadAll(stdout)
		errs, _ := io.ReadAll(stderr)
		text := fmt.Sprintf("%s %q %q", os.Getenv("CONTAINER_NAMESPACE"), out, errs)
		if err := os.WriteFile(os.Args[2], []byte(text), 0o600); err != nil {
			panic(err)
		}
	},
	"is never ready": func() {},
	"says it is ready": func() {
		_, _ = os.NewFile(5, "ready").Write([]byte{1})
	},
	"does not end": func() {
		terms := make(chan os.Signal, 8)
		signal.Notify(terms, syscall.SIGTERM)
		os.NewFile(5, "ready").Close()
		for range terms { // and does nothing about it
		}
	},
}

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv("CONTAINER_ID")]; ok {
		role()
		return
	}
	readerTimeout = 20 * time.Millisecond
	os.Exit(m.Run())
}

func loggerConfig(t *testing.T, scheme, role, query string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := scheme + "://" + self + query
	return Config{Namespace: "space", ID: role, Stdout: address, Stderr: address}
}

func TestLoggerGetsBothStreams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := openSet(t, loggerConfig(t, "binary", "writes to a file", "?-o="+path))
	files := child(t, s)
	writeString(t, files[1], "out")
	writeString(t, files[2], "err")
	files[1].Close()
	files[2].Close()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if want := `space "out" "err"`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestLoggerReadiness(t *testing.T) {
	for name, c := range map[string]struct {
		scheme, role string
		want         error
	}{
		"version 1 takes an end for ready":     {"binary", "is never ready", nil},
		"version 2 wants to hear it":           {"binary-v2", "is never ready", io.ErrUnexpectedEOF},
		"version 2 hears it":                   {"binary-v2", "says it is ready", nil},
		"version 2 takes no end for ready":     {"binary-v2", "does not end", io.ErrUnexpectedEOF},
		"version 1 that is ready and lives on": {"binary", "does not end", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			s, err := Open(ctx, loggerConfig(t, c.scheme, c.role, ""))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err == nil {
				s.Close()
			}
		})
	}
}

// TestLoggerThatDoesNotEnd is cut off: Drain gives up and Close kills.
func TestLoggerThatDoesNotEnd(t *testing.T) {
	s := openSet(t, loggerConfig(t, "binary", "does not end", ""))
	child(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drain: %v", err)
	}
	began := time.Now()
	s.Close()
	if took := time.Since(began); took > 4*termTimeout {
		t.Errorf("close took %v", took)
	}
	select {
	case <-s.logger.exited:
	default:
		t.Error("the logger lives on")
	}
}

func TestLoggerArgs(t *testing.T) {
	for query, want := range map[string][]string{
		"":              nil,
		"a=b&c=d":       {"a", "b", "c", "d"},
		"z=1&a=2":       {"z", "1", "a", "2"},
		"flag":          {"flag"},
		"empty=":        {"empty", ""},
		"sp%20ace=a%26": {"sp ace", "a&"},
		"bad=%zz":       {"bad", "%zz"},
	} {
		if got := loggerArgs(query); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}
