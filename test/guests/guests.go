package guests

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Path returns the absolute path of the .wasm of a guest, built first if it is a Go program.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(sources(t), name)
	committed := filepath.Join(dir, name+".wasm")
	if _, err := os.Stat(committed); err == nil {
		return committed
	}
	if _, err := os.Stat(filepath.Join(dir, "main.go")); err != nil {
		t.Fatalf("guest %q: neither %s nor a main.go beside it", name, committed)
	}
	build, _ := built.LoadOrStore(name, sync.OnceValues(func() (string, error) { return buildGo(dir, name) }))
	path, err := build.(func() (string, error))()
	if err != nil {
		t.Fatalf("guest %q: %v", name, err)
	}
	return path
}

// Bytes returns the .wasm of a guest.
func Bytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Text returns the path of the .wat a guest is made from.
func Text(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(sources(t), name, name+".wat")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Bad returns the content of files that are no runnable module, by what is wrong with them.
func Bad(t testing.TB) map[string][]byte {
	t.Helper()
	module := Bytes(t, "args")
	random := make([]byte, 4096)
	chacha := rand.NewChaCha8([32]byte{})
	if _, err := chacha.Read(random); err != nil {
		t.Fatal(err)
	}
	corrupt := bytes.Clone(module)
	for i := len(corrupt) / 2; i < len(corrupt)/2+64; i++ {
		corrupt[i] ^= 0x55
	}
	return map[string][]byte{
		"empty":             {},
		"random":            random,
		"truncated":         module[:len(module)/2],
		"truncated_header":  module[:6],
		"corrupt":           corrupt,
		"component":         []byte("\x00asm\x0d\x00\x01\x00"),
		"unknown_version":   []byte("\x00asm\x02\x00\x00\x00"),
		"script":            []byte("#!/bin/sh\necho no\n"),
		"text":              []byte("this is no module\n"),
		"wat_syntax":        []byte("(module (func $a (export \"_start\") i32.const))\n"),
		"wat_component":     []byte("(component)\n"),
		"wat_type_mismatch": []byte("(module (func (export \"_start\") (i32.add (i64.const 1) (i32.const 1)) drop))\n"),
	}
}

// built are the Go guests this process has asked for: name to the function that builds one once.
var built sync.Map

func buildGo(dir, name string) (string, error) {
	out := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(dir))), "build", "guests")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	// Test binaries of several packages build at the same time: each its own file, the rename decides.
	f, err := os.CreateTemp(out, name+".*.new")
	if err != nil {
		return "", err
	}
	f.Close()
	defer os.Remove(f.Name())
	cmd := exec.Command("go", "build", "-trimpath", "-o", f.Name(), ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{name: name, text: string(text), err: err}
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return "", err
	}
	path := filepath.Join(out, name+".wasm")
	return path, os.Rename(f.Name(), path)
}

type buildError struct {
	name, text string
	err        error
}

func (e *buildError) Error() string {
	return "go build of " + e.name + ": " + e.err.Error() + "\n" + e.text
}
func (e *buildError) Unwrap() error { return e.err }

// sources is this package's folder: the tests run where the repository lies.
func sources(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("guests: the sources are not known to a binary built with -trimpath")
	}
	return filepath.Dir(file)
}
