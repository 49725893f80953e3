// Command pack makes the archive of package programs from a directory that holds them: pack DIR ARCHIVE.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"wasmgo/pkg/programs"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack DIR ARCHIVE")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(dir, archive string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(archive), ".archive-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = programs.Pack(f, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), archive)
}
