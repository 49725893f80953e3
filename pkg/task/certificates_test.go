package task

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/handover"
)

func TestWhichBundleOfTheHostIsTaken(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"one", "two"} {
		if err := os.WriteFile(at(name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(at("large"), nil, 0o644), os.Truncate(at("large"), maxCertificates+1), os.Mkdir(at("dir"), 0o755), os.Symlink("two", at("link"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, setting string
		places        []string
		want, err     string
	}{
		{"the first place", "", []string{at("one"), at("two")}, "one", ""},
		{"the first place that is there", "", []string{at("none"), at("two")}, "two", ""},
		{"a link", "", []string{at("link")}, "two", ""},
		{"a place that is a directory is passed over", "", []string{at("dir"), at("two")}, "two", ""},
		{"a place that is too large is passed over", "", []string{at("large"), at("one")}, "one", ""},
		{"a host without any", "", []string{at("none"), at("dir")}, "", ""},
		{"off", "off", []string{at("one")}, "", ""},
		{"a path", at("two"), []string{at("one")}, "two", ""},
		{"a path where nothing is", at("none"), []string{at("one")}, "", "the setting host-certificates: open_tree " + at("none") + ": no such file"},
		{"a path of a directory", at("dir"), []string{at("one")}, "", "not a regular file"},
		{"a path of what is too large", at("large"), []string{at("one")}, "", "larger than 16777216 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := hostCertificates(c.setting, c.places)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || !errdefs.IsFailedPrecondition(err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || (f != nil) != (c.want != "") {
				t.Fatalf("%v, %v", f, err)
			}
			if f == nil {
				return
			}
			defer f.Close()
			if text, err := io.ReadAll(f); err != nil || string(text) != c.want {
				t.Errorf("%q, %v, want %q", text, err, c.want)
			}
		})
	}
}

func TestWhoGetsTheHostsCertificates(t *testing.T) {
	const server = handover.NeedsHTTP | handover.NeedsServer
	for _, c := range []struct {
		name  string
		guest handover.Guest
		want  bool
	}{
		{"a module", handover.Guest{}, false},
		{"a server that asks nobody", handover.Guest{Needs: server, Env: []string{"PATH=/"}}, false},
		{"a server whose traces go somewhere", handover.Guest{Needs: server, Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://x"}}, true},
		{"a component that makes requests", handover.Guest{Needs: handover.NeedsHTTP | handover.NeedsClient}, true},
		{"buckets in memory", handover.Guest{Needs: handover.NeedsKeyvalue}, false},
		{"buckets on a server without TLS", handover.Guest{Needs: handover.NeedsKeyvalue, Keyvalue: handover.Keyvalue{Store: "redis://x"}}, false},
		{"buckets on a server with TLS", handover.Guest{Needs: handover.NeedsKeyvalue, Keyvalue: handover.Keyvalue{Store: "rediss://x"}}, true},
		{"a server with TLS that the component has no use for", handover.Guest{Keyvalue: handover.Keyvalue{Store: "rediss://x"}}, false},
	} {
		if got := mayUseTLS(&c.guest); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// BenchmarkHostCertificates is what the shim does for a component that may have to speak TLS, on a host that has its bundle at the last place.
func BenchmarkHostCertificates(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root: run `make bench` as root")
	}
	dir := b.TempDir()
	bundle := filepath.Join(dir, "bundle")
	if err := os.WriteFile(bundle, make([]byte, 220<<10), 0o644); err != nil {
		b.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	for b.Loop() {
		f, err := hostCertificates("", []string{none, none, none, bundle})
		if err != nil || f == nil {
			b.Fatal(f, err)
		}
		f.Close()
	}
}
