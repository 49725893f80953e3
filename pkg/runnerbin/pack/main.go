// Command pack makes the payload of package runnerbin from a runner: pack RUNNER [PAYLOAD].
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"wasmgo/pkg/runnerbin"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: pack RUNNER [PAYLOAD]")
		os.Exit(2)
	}
	payload := filepath.Join("pkg", "runnerbin", "payload", "runner.zst")
	if len(os.Args) == 3 {
		payload = os.Args[2]
	}
	if err := pack(os.Args[1], payload); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(runner, payload string) (err error) {
	body, err := os.ReadFile(runner)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(payload), ".runner-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	defer func() { err = errors.Join(err, closeOnce(f)) }()
	if err := runnerbin.WriteLabel(f, runnerbin.Label{Size: int64(len(body)), Digest: sha256.Sum256(body)}); err != nil {
		return err
	}
	// The same runner must give the same payload, and so the same shim: one goroutine, no timing.
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if _, err := z.Write(body); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), payload)
}

// closeOnce closes f unless that has been done.
func closeOnce(f *os.File) error {
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
