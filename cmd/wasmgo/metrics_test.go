package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/pkg/observe"
)

func TestMetrics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	o, err := observe.New(observe.Config{Namespace: "n", Metrics: dir, Containers: func() int { return 2 }})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	const want = `wasmgo_shim_containers{namespace="n"} 2` + "\n"
	t.Run("without a directory", func(t *testing.T) {
		writeSettings(t, "")
		if code, out := runCommand(t, "metrics"); code != exitFailed || !strings.Contains(out, "metrics = ") {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("in the directory that the settings name", func(t *testing.T) {
		writeSettings(t, "metrics = '"+dir+"'")
		if code, out := runCommand(t, "metrics"); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d, output:\n%s", code, out)
		}
	})
	t.Run("over HTTP", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		served := make(chan error, 1)
		go func() { served <- serveMetrics(ctx, w, dir, "127.0.0.1:0") }()
		line, err := bufio.NewReader(r).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Get("http://" + strings.TrimSpace(strings.TrimPrefix(line, "figures at ")) + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%v:\n%s", err, body)
		}
		cancel()
		if err := <-served; err != nil {
			t.Errorf("the end: %v", err)
		}
	})
}
