package shim

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"
)

const (
	// tidyAfter is the quiet after which a shim gives memory back. It is longer than the pauses between the calls that
	// make one container.
	tidyAfter = time.Second
	// tidyAbove is the heap, in bytes, from which on a collection pays. The shim of one container stays below it and
	// never collects at all, which saves it the collector's own threads and stacks.
	tidyAbove = 2 << 20
)

// tidy gives memory back to the host in quiet times. Go would keep the garbage of busy ones: its collector runs when the heap
// has grown, and a shim that only waits for its containers does not grow. The kernel would keep every page of the
// program that was ever touched, most of them for its start only. For 50 containers in one shim the two are half of
// 15 MB. See RATIONALE.md.
type tidy struct {
	timer *time.Timer
}

// newTidy begins to wait for quiet. First is what else is done then.
func newTidy(first func()) *tidy {
	return &tidy{timer: time.AfterFunc(tidyAfter, func() {
		first()
		giveBack()
	})}
}

// called says that there was a call just now.
func (t *tidy) called() { t.timer.Reset(tidyAfter) }

func (t *tidy) stop() { t.timer.Stop() }

func giveBack() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > tidyAbove {
		debug.FreeOSMemory()
	}
	if err := dropProgram(); err != nil {
		log.L.WithError(err).Debug("cannot give the program's pages back")
	}
}

// dropProgram unmaps the pages of the program's own code and constants. They are the file's, never written to: what is
// needed again is mapped again, out of the page cache.
func dropProgram() error {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	ranges, err := programRanges(maps, reflect.ValueOf(giveBack).Pointer())
	if err != nil {
		return err
	}
	for _, r := range ranges {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, r.start, r.end-r.start, unix.MADV_DONTNEED); errno != 0 {
			return os.NewSyscallError("madvise", errno)
		}
	}
	return nil
}

// addresses is a range of memory, without its end.
type addresses struct{ start, end uintptr }

// programRanges finds the read-only mappings of the file whose code is at pc in a list of mappings (proc_pid_maps(5)).
func programRanges(maps io.Reader, pc uintptr) ([]addresses, error) {
	byFile := map[string][]addresses{}
	program := ""
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var r addresses
		var perms, offset, device string
		var inode uint64
		line := lines.Bytes()
		if _, err := fmt.Fscanf(bytes.NewReader(line), "%x-%x %4s %s %s %d", &r.start, &r.end, &perms, &offset, &device, &inode); err != nil {
			return nil, fmt.Errorf("mapping %q: %w", line, err)
		}
		if inode == 0 || r.end < r.start {
			continue
		}
		file := fmt.Sprint(device, inode)
		if r.start <= pc && pc < r.end {
			program = file
		}
		if perms == "r-xp" || perms == "r--p" {
			byFile[file] = append(byFile[file], r)
		}
	}
	return byFile[program], lines.Err()
}
