// Command hello is the smallest thing to run in a container: built with GOOS=wasip1 GOARCH=wasm it is a WASI 0.1 module.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Printf("Hello from %s/%s, built with %s.\n", runtime.GOOS, runtime.GOARCH, runtime.Version())
	if name, ok := os.LookupEnv("NAME"); ok {
		fmt.Printf("Nice to meet you, %s.\n", name)
	}
	for i, arg := range os.Args[1:] {
		fmt.Printf("argument %d is %q\n", i+1, arg)
	}
}
