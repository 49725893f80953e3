package runner

import (
	"fmt"

	"wasmgo/pkg/engine"
)

const (
	// ownMemory is what a runner takes of its container's memory limit, in bytes: 1.4 to 1.9 MB were measured in a memory
	// control group, kernel memory included, with a guest that keeps next to none.
	ownMemory = 2 << 20
	// ownComponentMemory is the same for a component's: 1.6 MB of an idle one's own pages were measured, and its host's heap may double
	// before it is collected.
	ownComponentMemory = 4 << 20
	// ownServerMemory is the same for one that serves HTTP: 37 MB after a million requests on 32 connections, code included.
	ownServerMemory = 28 << 20
	// codeShare is the part of the limit, and maxCode the most of it in bytes, left for pages of the guest's machine code and the
	// runner's own: the group that first touches a page of a file pays for it, and without room for those in use the process would
	// read them again and again instead of running. Page tables (1/512 of what they map) come out of it too.
	codeShare = 16
	maxCode   = 16 << 20
	// maxTable is the most elements of one table: what browsers allow. Each costs the host 8 bytes.
	maxTable = 10_000_000
)

// limits turns the container's memory limit in bytes, 0 for none, into the guest's, of which the runner takes own: a guest whose memory.grow fails can handle
// it, one that the kernel kills cannot. Half of a limit that is smaller than what we need ourselves is still the guest's: pages
// it never touches cost nothing.
func limits(memory, own int64) engine.Limits {
	l := engine.Limits{Memory: -1, Table: maxTable}
	if memory > 0 {
		l.Memory = max(memory-own-min(memory/codeShare, maxCode), memory/2)
		l.Table = min(maxTable, memory/8)
	}
	return l
}

// describe tells what a container's memory limit leaves for the guest.
func describe(memory int64) string {
	if memory < 0 {
		return ""
	}
	return fmt.Sprintf(" with the %d KiB that the container's memory limit leaves it", memory>>10)
}
