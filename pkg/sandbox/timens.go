package sandbox

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// unshareTime gives the children of the calling thread a new time namespace (time_namespaces(7)) with the offsets of
// linux.timeOffsets. dockerd asks for one for every container since version 29.
//
// Before Linux 6.3 no child that shares its parent's memory until it executes (vfork, which is how Go forks) could be born
// into another time namespace. There a new one without offsets, which nobody can tell from the host's, is passed over.
func unshareTime(offsets map[string]specs.LinuxTimeOffset) error {
	if !vforkChangesTime() {
		if len(offsets) > 0 {
			return notImplemented("linux.timeOffsets", "a time namespace with offsets before Linux 6.3")
		}
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWTIME); err != nil {
		return fmt.Errorf("time namespace: %w", os.NewSyscallError("unshare", err))
	}
	if len(offsets) == 0 {
		return nil
	}
	var lines strings.Builder
	for _, clock := range slices.Sorted(maps.Keys(offsets)) {
		fmt.Fprintf(&lines, "%s %d %d\n", clock, offsets[clock].Secs, offsets[clock].Nanosecs)
	}
	// The file stands in the directory of a process alone, and the kernel takes a thread's number for one there.
	path := fmt.Sprintf("/proc/%d/timens_offsets", unix.Gettid())
	if err := os.WriteFile(path, []byte(lines.String()), 0); err != nil {
		return fmt.Errorf("linux.timeOffsets: %w", err)
	}
	return nil
}

// vforkChangesTime reports whether the kernel is Linux 6.3 or later. 6.0 could do it too, and 6.1, which is Debian 12's, took it
// back for a while.
var vforkChangesTime = sync.OnceValue(func() bool {
	var u unix.Utsname
	var major, minor int
	if err := unix.Uname(&u); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 6 || major == 6 && minor >= 3
})

// checkTime looks at linux.timeOffsets.
func checkTime(offsets map[string]specs.LinuxTimeOffset, ns namespaces) error {
	for clock, o := range offsets {
		field := "linux.timeOffsets." + clock
		switch {
		case clock != "monotonic" && clock != "boottime":
			return invalid(field, "no clock of a time namespace")
		case o.Nanosecs >= 1e9:
			return invalid(field+".nanosecs", "%d is a second or more", o.Nanosecs)
		}
	}
	if len(offsets) > 0 && ns.fresh&unix.CLONE_NEWTIME == 0 {
		return invalid("linux.timeOffsets", "there is no new time namespace to set them in")
	}
	return nil
}
