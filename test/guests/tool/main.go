// Command tool is a Go guest with a verb per thing a test asks: cwd, list, read, write, args, env, exit, panic, grow, cat.
// Go's own view of the working directory and of absolute and relative paths differs from wasi-libc's, see docs/entrypoint.md.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "tool: verb missing")
		os.Exit(2)
	}
	if err := do(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(verb string, args []string) error {
	switch verb {
	case "cwd":
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		fmt.Println(dir)
	case "list":
		entries, err := os.ReadDir(args[0])
		if err != nil {
			return err
		}
		for _, e := range entries {
			fmt.Println(e.Name())
		}
	case "read":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		os.Stdout.Write(b)
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "args":
		fmt.Println(strings.Join(args, "\n"))
	case "env":
		env := os.Environ()
		slices.Sort(env)
		fmt.Println(strings.Join(env, "\n"))
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "panic":
		panic(args[0])
	case "grow":
		// Until the Go runtime is refused more memory, which it ends on its own with "out of memory" and 2.
		var kept [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
			fmt.Println(len(kept))
		}
	case "cat":
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	default:
		return fmt.Errorf("tool: verb %q unknown", verb)
	}
	return nil
}
