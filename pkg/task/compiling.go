package task

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/containerd/log"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/observe"
)

// noticeEvery is how often whoever waits for a container is told why, after the first second.
const noticeEvery = 10 * time.Second

// telling has those who wait for the container l told why Create takes long: that is all they see of it otherwise, and for a module of
// 30 MB it is 15 s. `ctr run` and `docker run` show the container's stderr from before Create; `docker logs` and
// `kubectl logs` keep it. The shim's log has the same for the operator.
func (l launch) telling(module string) func(cache.Progress) {
	next := time.Duration(0)
	return func(p cache.Progress) {
		if p.Elapsed < next {
			return
		}
		next = p.Elapsed + noticeEvery
		text := progressText(module, p)
		log.L.WithField("id", l.id).Info(text)
		if l.notice != nil {
			l.notice("wasmgo: " + text)
		}
	}
}

// watched has get return the compiled code of a module, and tells who waits for the container, and who observes the shim.
func (l launch) watched(ctx context.Context, module string, get func(...cache.Option) (*cache.Entry, error)) (*cache.Entry, error) {
	var took time.Duration
	entry, err := get(cache.Tell(l.telling(module)), cache.Made(func(d time.Duration) { took += d }))
	if err == nil {
		observe.Compiled(ctx, took)
	}
	return entry, err
}

// progressText tells of p, in a line.
func progressText(module string, p cache.Progress) string {
	elapsed := p.Elapsed.Round(time.Second)
	if p.Waiting {
		return fmt.Sprintf("%s is being compiled for another container already; waiting for %v", module, elapsed)
	}
	text := fmt.Sprintf("compiling %s", module)
	if p.Module > 0 {
		text += fmt.Sprintf(" (%.1f MB)", float64(p.Module)/1e6)
	}
	text += fmt.Sprintf(", which is done once on this machine; %v so far", elapsed)
	if p.Done <= 0 || p.Done >= 0.99 {
		return text
	}
	left := time.Duration(float64(p.Elapsed) * (1 - p.Done) / p.Done)
	return text + fmt.Sprintf(", about %v to go", max(time.Second, time.Duration(math.Round(left.Seconds()))*time.Second))
}
