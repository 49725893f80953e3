// Command convert turns the reference tests of the component model, which are .wast files, into the fixtures of package
// spectest. It is run by hand when the reference tests change; see the doc comment of package spectest for the command.
//
// The text format is assembled by `wasm-tools json-from-wast` (crate wasm-tools, which must be in PATH). Its many small files are
// packed into one file per .wast: a line of JSON per command, the binaries in base64, so that a diff shows which command changed.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"wasmgo/pkg/component/spectest"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: convert WAST-DIRECTORY OUT-DIRECTORY")
		os.Exit(2)
	}
	if err := convertAll(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "convert:", err)
		os.Exit(1)
	}
}

func convertAll(src, dst string) error {
	sources, err := filepath.Glob(filepath.Join(src, "*", "*.wast"))
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return fmt.Errorf("no .wast files below %s", src)
	}
	for _, source := range sources {
		name, err := filepath.Rel(src, source)
		if err != nil {
			return err
		}
		if err := convert(source, filepath.Join(dst, strings.TrimSuffix(name, ".wast")+".jsonl")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func convert(source, target string) error {
	dir, err := os.MkdirTemp("", "wast")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	cmd := exec.Command("wasm-tools", "json-from-wast", "--wasm-dir", dir, source)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("json-from-wast: %w", err)
	}
	var script struct {
		Commands []struct {
			spectest.Command
			Filename string `json:"filename"`
		} `json:"commands"`
	}
	if err := json.Unmarshal(out, &script); err != nil {
		return err
	}
	var packed bytes.Buffer
	w := bufio.NewWriter(&packed)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, c := range script.Commands {
		if c.Filename != "" {
			if c.Binary, err = os.ReadFile(filepath.Join(dir, c.Filename)); err != nil {
				return err
			}
		}
		if err := enc.Encode(c.Command); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, packed.Bytes(), 0o644)
}
