// Command runner stands for wasmgo-runner in the tests of the shim: it keeps the handover's conversation and then does,
// in place of a guest, what the container's arguments say. It is refused its module, for there is none, and does not mind.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"wasmgo/pkg/handover"
)

func main() {
	if os.Getenv("WASMGO_RUNNER") == "fingerprint" {
		fmt.Println("the shim's tests")
		return
	}
	socket := os.NewFile(handover.SocketFD, "socket")
	var g handover.Guest
	if err := handover.Receive(socket, &g); err != nil {
		fail(err)
	}
	if err := handover.Send(socket, handover.Ready{Refusal: g.Refusal}); err != nil {
		fail(err)
	}
	if err := handover.AwaitBegin(socket); err != nil {
		fail(err)
	}
	_ = socket.Close()
	switch g.Args[1] {
	case "exit":
		code, err := strconv.Atoi(g.Args[2])
		if err != nil {
			fail(err)
		}
		fmt.Println("hello from the runner")
		os.Exit(code)
	case "wait":
		terms := make(chan os.Signal, 1)
		signal.Notify(terms, syscall.SIGTERM)
		fmt.Println("waiting")
		<-terms
		os.Exit(128 + int(syscall.SIGTERM))
	}
	fail(fmt.Errorf("argument %q", g.Args[1]))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "test runner:", err)
	os.Exit(1)
}
