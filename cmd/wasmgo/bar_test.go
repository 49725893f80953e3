package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"wasmgo/pkg/cache"
)

// showThirty tells a bar of thirty seconds of compiling.
func showThirty(out io.Writer) {
	b := newBar(out, "app.wasm")
	for second := range 30 {
		b.tell(cache.Progress{Elapsed: time.Duration(second+1) * time.Second, Done: float64(second) / 30})
	}
	b.end()
}

func TestProgressInALogIsAFewLines(t *testing.T) {
	var out bytes.Buffer
	showThirty(&out)
	const want = "compiling app.wasm: 1s so far, about 0 %\ncompiling app.wasm: 11s so far, about 33 %\ncompiling app.wasm: 21s so far, about 67 %\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressOnATerminalIsABarThatGoesAway(t *testing.T) {
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // ends with the error that the terminal is closed
		got <- string(b)
	}()
	showThirty(terminal)
	if _, err := io.WriteString(terminal, "done"); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	text := <-got
	if !strings.Contains(text, "compiling app.wasm") || !strings.Contains(text, "50%") || strings.Contains(text, "\n") {
		t.Errorf("drawn: %q", text)
	}
	if last := text[strings.LastIndex(text, "\r")+1:]; last != "done" {
		t.Errorf("the line ends as %q, want that the bar is gone", last)
	}
}

func TestNoBarWithoutNews(t *testing.T) {
	var out bytes.Buffer
	newBar(&out, "app.wasm").end()
	if out.Len() != 0 {
		t.Errorf("said %q", out.String())
	}
}
