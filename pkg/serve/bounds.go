package serve

import (
	"fmt"
	"math"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

const (
	// connectionMemory is what a connection without a request costs, in bytes: 14 KB in this process, and its socket in the kernel.
	connectionMemory = 16 << 10
	// connectionShare is the part of the container's memory limit that connections may have.
	connectionShare = 8
	// requestMemory is the same for a request with bodies both ways: their buffers, and those of its connection.
	requestMemory = 192 << 10
	// quietHeap is what this process's heap may grow to without either.
	quietHeap = 16 << 20
	// instanceFiles are what an instance has open, also one that waits.
	instanceFiles = 3
	// filesShare is the part of the limit of open files, and leastFiles the least of it, that is left for what guests open.
	filesShare, leastFiles = 4, 64
)

// openFiles raises the process's limit of open files as far as it may, and returns it.
func openFiles() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("getrlimit: %w", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return 0, fmt.Errorf("setrlimit: %w", err)
		}
	}
	return limit.Cur, nil
}

// fit lowers the number of connections so that they fit into a limit of open files: where the next one could not be accepted, nobody
// would be let in until one that idles goes by itself. It says so, if somebody has asked for more.
func fit(h handover.HTTP, files uint64, asked int) (_ handover.HTTP, complaint string) {
	files = min(files, 1<<30) // more are none
	others := max(files/filesShare, leastFiles) + overlap + uint64(instanceFiles*(h.Requests+h.Waiting+spare))
	most := max(1, int(files-min(others, files/2)))
	if h.Connections <= most {
		return h, ""
	}
	h.Connections = most
	if asked > most {
		complaint = fmt.Sprintf("there may be %d connections, not %d as http-connections asks: the limit of open files is %d (docker run --ulimit nofile)",
			most, asked, files)
	}
	return h, complaint
}

// boundServer has the collector come earlier than usual when there are as many connections and requests as there may be: with them the heap
// would grow to five times what they need.
func boundServer(h handover.HTTP) {
	most := int64(quietHeap + h.Connections*connectionMemory + h.Requests*requestMemory)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		most = limit + max(0, most-restOfHeap) // what boundHeap has set
	}
	debug.SetMemoryLimit(most)
}
