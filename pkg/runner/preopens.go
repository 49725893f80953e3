package runner

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/wasi/filesystem"
	"wasmgo/pkg/wasi/filesystem/beneath"
)

// preopens opens what [directories] says for a component. "/" is the guest's whole world: absolute links lead there. Nothing here is
// opened read-only, for what may not be written to is so by its mount and its mode.
func preopens(dirs []engine.Dir) (open []filesystem.Preopen, err error) {
	defer func() {
		if err != nil {
			for _, p := range open {
				err = errors.Join(err, p.Dir.Close())
			}
			open = nil
		}
	}()
	open = make([]filesystem.Preopen, len(dirs))
	var root *beneath.Descriptor
	for i := len(dirs) - 1; i >= 0; i-- { // "/" is the last
		d := dirs[i]
		fd, err := unix.Open(d.Host, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return open[i+1:], &os.PathError{Op: "open", Path: d.Host, Err: err}
		}
		dir, err := beneath.Preopen(fd, beneath.Options{Root: root == nil, LinksTo: root})
		if err != nil {
			return open[i+1:], err
		}
		if root == nil {
			root = dir
		}
		open[i] = filesystem.Preopen{Dir: dir, Name: d.Guest}
	}
	return open, nil
}
