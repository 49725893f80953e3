package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDockerDigest(t *testing.T) {
	for _, c := range []struct {
		name   string
		record string
		want   string
	}{
		{"of Docker 28 and later", `{"ID":"abc","Image":"sha256:1","ImageManifest":{"mediaType":"x","digest":"sha256:2"}}`, "sha256:2"},
		{"of an earlier one", `{"ID":"abc","Image":"sha256:1"}`, "sha256:1"},
		{"with a manifest that is null", `{"ID":"abc","Image":"sha256:1","ImageManifest":null}`, "sha256:1"},
		{"of another container", `{"ID":"abd","Image":"sha256:1"}`, ""},
		{"that is cut", `{"ID":"abc","Image":"sha2`, ""},
		{"that is none", ``, ""},
	} {
		t.Run("a record "+c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "abc")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "config.v2.json"), []byte(c.record), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := DockerDigest([]string{"proc", "/dev", filepath.Join(dir, "hosts")}, "abc"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "abc")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "config.v2.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := DockerDigest([]string{filepath.Join(dir, "hosts")}, "abc"); got != "" {
		t.Errorf("out of a pipe: %q", got)
	}
	if got := DockerDigest([]string{filepath.Join(t.TempDir(), "abc", "hosts")}, "abc"); got != "" {
		t.Errorf("without a record: %q", got)
	}
}

func FuzzDockerRecord(f *testing.F) {
	f.Add(`{"ID":"abc","Image":"sha256:1","ImageManifest":{"digest":"sha256:2"}}`)
	f.Fuzz(func(t *testing.T, record string) {
		if got := parseDockerRecord(strings.NewReader(record), "abc"); got != "" && !strings.Contains(record, "abc") && !strings.Contains(record, `\u`) {
			t.Errorf("%q out of %q", got, record)
		}
	})
}
