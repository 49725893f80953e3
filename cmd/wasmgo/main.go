package main

import (
	"context"
	"math"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

func main() { os.Exit(run()) }

func run() int {
	// What this process was born with beyond its three streams is not for the workers it starts.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		if job, ok := jobs[os.Args[1]]; ok {
			return job(ctx, os.Args[2:])
		}
	}
	return execute(ctx, os.Args)
}
