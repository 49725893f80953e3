package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/cache"
)

// plainEvery is how often progress is told where a bar cannot be drawn.
const plainEvery = 10 * time.Second

// bar shows how far a compilation is: a bar on a terminal, now and then a line elsewhere (the log of a build), nothing if it takes less
// than a second.
type bar struct {
	out   io.Writer
	name  string
	drawn *progressbar.ProgressBar // on a terminal, from the first news on
	next  time.Duration            // elsewhere: when the next line is due
}

func newBar(out io.Writer, name string) *bar { return &bar{out: out, name: name} }

// tell is for cache.Tell.
func (b *bar) tell(p cache.Progress) {
	text := "compiling " + b.name
	if p.Waiting {
		text = "waiting for another to compile " + b.name
	}
	if !isTerminal(b.out) {
		if p.Elapsed >= b.next {
			b.next = p.Elapsed + plainEvery
			fmt.Fprintf(b.out, "%s: %v so far, about %.0f %%\n", text, p.Elapsed.Round(time.Second), 100*p.Done)
		}
		return
	}
	if b.drawn == nil {
		b.drawn = progressbar.NewOptions(100, progressbar.OptionSetWriter(b.out), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false), progressbar.OptionFullWidth())
	}
	b.drawn.Describe(text)
	_ = b.drawn.Set(int(100 * p.Done)) // a terminal that has gone sees nothing
}

// end takes the bar away.
func (b *bar) end() {
	if b.drawn != nil {
		_ = b.drawn.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
