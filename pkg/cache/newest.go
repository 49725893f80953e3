package cache

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of what is small and cheap to make again, in files.
const (
	maxLinks   = 8192 // of contents to digests: without its link a module is read once more, by SHA-256
	maxFilters = 512  // of seccomp profiles, 32 KiB each at most
)

// keepNewest removes the oldest files of the directory dir, down to half, when there are more than most. It is housekeeping on
// the side: what cannot be removed stays. Locks and unfinished files are not touched.
func keepNewest(dir string, most int) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= most {
		return
	}
	type file struct {
		name string
		time time.Time
	}
	var files []file
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && !strings.Contains(e.Name(), ".") {
			files = append(files, file{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.time.Compare(b.time) })
	for _, f := range files[:max(0, len(files)-most/2)] {
		_ = os.Remove(filepath.Join(dir, f.name))
	}
}
