package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		if job, ok := jobs[os.Args[1]]; ok {
			return job(ctx, os.Args[2:])
		}
	}
	return execute(ctx, os.Args)
}
