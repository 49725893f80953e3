package shim

import (
	"errors"
	"path/filepath"

	"github.com/containerd/log"
	"golang.org/x/sys/unix"
)

// followLog moves the log to another of the given bundles when the one that it is in has been deleted: a shim that containers share lives
// longer than the container it was started for, and containerd reads the log of each. It may be called at any time.
func followLog(bundles func() []string) {
	var st unix.Stat_t
	if err := unix.Fstat(unix.Stderr, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO || st.Nlink > 0 {
		return
	}
	for _, dir := range bundles() {
		err := redirect(filepath.Join(dir, logName))
		if errors.Is(err, unix.ENOENT) {
			continue // it is about to be deleted, too
		}
		if err != nil {
			log.L.WithError(err).Debug("cannot move the log")
		}
		return
	}
}
