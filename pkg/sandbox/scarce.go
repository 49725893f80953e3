package sandbox

import (
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// scarceMemory is the memory limit in bytes below which a start that fails probably fails for it. The smallest guests
// start with 1.5 MiB and not with 1 MiB.
const scarceMemory = 4 << 20

// explain adds to the error of a failed start that the memory limit is probably why: the kernel says so in many ways, from
// "too many open files in system" to a SIGKILL, and in none of them clearly.
func explain(err error, s *specs.Spec) error {
	r := linux(s).Resources
	if r == nil || r.Memory == nil || r.Memory.Limit == nil || *r.Memory.Limit <= 0 || *r.Memory.Limit >= scarceMemory {
		return err
	}
	return fmt.Errorf("%w (linux.resources.memory.limit is %d bytes, which is hardly enough for a process)", err, *r.Memory.Limit)
}
