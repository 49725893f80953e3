// Command hello is the guest of the examples and of the measurements: a Go program built with GOOS=wasip1.
package main

import "fmt"

func main() { fmt.Println("hello from wasm") }
