// Command instantiate measures the guest half's way from a loaded component to an instance that can be called:
//
//	instantiate FILE N
//
// It makes N instances one after another, each with a WASI host and a store of its own, and prints for each the nanoseconds that this
// took and those of freeing it again.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/wasi"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "instantiate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want FILE N, have %q", args)
	}
	file, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	e, err := engine.New()
	if err != nil {
		return err
	}
	p, err := component.Load(file, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(e.Wasmtime(), module) })
	if err != nil {
		return err
	}
	defer p.Close()
	host, err := wasi.New(wasi.Config{})
	if err != nil {
		return err
	}
	linked, err := p.Link(host.Interfaces()...)
	if err != nil {
		return err
	}
	if err := host.Close(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for range n {
		made, freed, err := once(e, linked)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, made.Nanoseconds(), freed.Nanoseconds())
	}
	return out.Flush()
}

// once makes one instance and frees it.
func once(e *engine.Engine, linked *component.Linked) (made, freed time.Duration, err error) {
	begun := time.Now()
	host, err := wasi.New(wasi.Config{})
	if err != nil {
		return 0, 0, err
	}
	store := corewasm.NewStore(e.Wasmtime())
	if _, err := linked.Instantiate(store, host.Interfaces()...); err != nil {
		return 0, 0, err
	}
	made = time.Since(begun)
	store.Close()
	err = host.Close()
	return made, time.Since(begun) - made, err
}
