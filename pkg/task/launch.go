package task

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/containerd/containerd/api/types"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/handover"
)

// launcher makes sandboxes.
type launcher interface {
	// launch returns a sandbox whose init stands and has not begun. On an error nothing is left of it. It does not
	// close files.
	launch(ctx context.Context, l launch) (sandboxed, error)
}

// launch is what one container, or an exec in one, is made of.
type launch struct {
	namespace, id string // the container's
	bundle        *bundle.Bundle
	exec          bool           // a further process of a container that stands
	rootfs        []*types.Mount // none for an exec
	files         [3]*os.File
	terminal      bool
	notice        func(line string) // tells whoever waits for the container; may be nil
	// processes are the container's, its init first; none when there are none yet.
	processes []handover.Process
}

// ending is how an init ended.
type ending struct {
	status int // 0 to 255, 128+signal
	at     time.Time
}

// sandboxed is a container that stands.
type sandboxed interface {
	life
	reach
	reachAll
	resources
	// exec returns a further process in the sandbox, which stands and has not begun. On an error nothing of it is left. It does not
	// close files.
	exec(ctx context.Context, l launch) (joined, error)
}

// joined is an exec that stands.
type joined interface {
	reach
	// Begin lets the guest run.
	Begin() error
	// await blocks until it is gone.
	await() ending
	// Close kills one that has not begun, and waits for its end.
	Close() error
}

// life is how a sandbox begins and ends.
type life interface {
	// Begin lets the guest run.
	Begin(ctx context.Context) error
	// await blocks until the init is gone.
	await() ending
	// Destroy removes what is left after the end. It may be called again.
	Destroy(ctx context.Context) error
}

// reach is how to get at the init.
type reach interface {
	Pid() int
	// Console is the terminal's master, which the caller closes, or nil.
	Console() *os.File
	// Signal sends to the init; os.ErrProcessDone if it is gone.
	Signal(sig syscall.Signal) error
}

// reachAll is how to get at all of them.
type reachAll interface {
	Pids() ([]int, error)
	// Kill kills them, frozen or not, and does not wait for their end.
	Kill() error
}

// resources is what a sandbox uses and may use.
type resources interface {
	freezer
	meter
}

// freezer stops a sandbox's processes where they stand.
type freezer interface {
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
}

// meter is a sandbox's limits and what was used of them.
type meter interface {
	Update(r *specs.LinuxResources) error
	// Stats are the metrics message of the host's cgroup version.
	Stats() (any, error)
	// OOMKills counts the kernel's out-of-memory kills.
	OOMKills() (uint64, error)
}
