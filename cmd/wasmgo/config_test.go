package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wasmgo/pkg/settings"
)

// writeSettings writes a file of settings and has this process's environment name it.
func writeSettings(t *testing.T, body string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(settings.FileVariable, path)
	return path
}

func TestConfigDefault(t *testing.T) {
	writeSettings(t, "no TOML")
	code, out := runCommand(t, "config", "default")
	if code != exitOK || !strings.Contains(out, "#http-timeout = \"1m\"\n") || !strings.Contains(out, "\n#config.") {
		t.Errorf("exit code %d, output:\n%s", code, out)
	}
}

func TestConfigShow(t *testing.T) {
	path := writeSettings(t, "http-body = '1MiB'\ndeny = 'dns'\ncache-max = '1GiB'")
	none := filepath.Join(t.TempDir(), "none")
	options := filepath.Join(t.TempDir(), "options.toml")
	if err := os.WriteFile(options, []byte("SystemdCgroup = true"), 0o600); err != nil {
		t.Fatal(err)
	}
	show := func(t *testing.T, args ...string) (code int, rows []shown, out string) {
		t.Helper()
		code, out = runCommand(t, append([]string{"config", "show", "--json", "-a", none}, args...)...)
		if i := strings.Index(out, "[\n"); i >= 0 {
			if err := json.Unmarshal([]byte(out[i:]), &rows); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
		}
		return code, rows, out
	}
	t.Run("what everybody has said", func(t *testing.T) {
		t.Setenv("WASMGO_CACHE_MAX", "2GiB")
		code, rows, out := show(t, "--options", options, "--annotation", "io.containerd.wasmgo.deny=tcp", "--env", "WASMGO_HTTP_BODY=1KiB")
		if code != exitOK || !strings.Contains(out, "containerd's environment is not known") {
			t.Fatalf("exit code %d, output:\n%s", code, out)
		}
		for _, want := range []shown{
			{"root", "/var/lib/wasmgo", "default"},
			{"cache-max", "2GiB", "environment variable WASMGO_CACHE_MAX"},
			{"systemd-cgroup", "true", options + ", line 1"},
			{"deny", "tcp", "annotation io.containerd.wasmgo.deny"},
			{"deny", "dns", path + ", line 2"},
			{"http-body", "1KiB", "variable WASMGO_HTTP_BODY in process.env"},
			{"http-waiting", "", "default: one per processor"},
		} {
			if os.Getenv("WASMGO_ROOT") != "" && want.Name == "root" {
				continue
			}
			if !slices.Contains(rows, want) {
				t.Errorf("%+v is not in\n%s", want, out)
			}
		}
	})
	t.Run("more than the operator allows", func(t *testing.T) {
		code, _, out := show(t, "--env", "WASMGO_HTTP_BODY=1GiB")
		if code != exitFailed || !strings.Contains(out, "1GiB is more than the 1MiB that the operator allows ("+path+", line 1)") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("an annotation that is none", func(t *testing.T) {
		if code, _, out := show(t, "--annotation", "x"); code != exitFailed || !strings.Contains(out, "want NAME=VALUE") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("the environment of the daemon behind the socket", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		code, out := runCommand(t, "config", "show", "-a", socket)
		if code != exitOK || strings.Contains(out, "is not known") || !strings.Contains(out, "SETTING") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
}

func TestWrongSettingsKeepCommandsFromRunning(t *testing.T) {
	writeSettings(t, "cache-maxx = '1GiB'")
	code, out := runCommand(t, "cache", "ls", "--root", t.TempDir())
	if code != exitFailed || !strings.Contains(out, "line 1") || !strings.Contains(out, "did you mean cache-max?") {
		t.Errorf("exit code %d, output:\n%s", code, out)
	}
}
