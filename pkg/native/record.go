package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/sandbox"
)

// record is what has to be known of a native container to remove it when its shim is gone: a file in the bundle, from before it
// is created until nothing is left.
type record struct {
	Version   int    `json:"version"`
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	// Address is containerd's socket.
	Address string `json:"address"`
	// Program is the path of runc's shim, Dir its directory below Root, and Peer its process.
	Program string  `json:"program"`
	Dir     string  `json:"dir"`
	Peer    process `json:"peer"`
	// Shim is the process that started it.
	Shim process `json:"shim"`

	bundle string
}

// process names one for ever: numbers are used again.
type process struct {
	Pid int `json:"pid"`
	// Started is its start in clock ticks since boot.
	Started uint64 `json:"started"`
}

const recordVersion = 1

// maxRecord bounds the file in bytes.
const maxRecord = 64 << 10

var errRecord = errors.New("not the record of a native container")

// writeRecord writes the container's record, before there is anything to remove.
func (c *container) writeRecord() error {
	self := process{Pid: os.Getpid()}
	var err error
	if self.Started, err = sandbox.StartTime(self.Pid); err != nil {
		return err
	}
	r := &record{
		Version: recordVersion, Namespace: c.service.config.Namespace, ID: c.id, Address: c.service.config.Address,
		Program: c.peer.path, Dir: c.peer.dir, Peer: process{c.peer.cmd.Process.Pid, c.peer.started}, Shim: self,
		bundle: c.bundle,
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s: %w", bundle.NativeName, err)
	}
	// One write: whoever reads half a file reads that of a container which was never made.
	if err := os.WriteFile(filepath.Join(c.bundle, bundle.NativeName), append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("record native container: %w", err)
	}
	c.record.Store(r)
	return nil
}

// removeRecord takes the file away. It is no error if it is not there.
func removeRecord(dir string) error {
	if err := os.Remove(filepath.Join(dir, bundle.NativeName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readRecord reads what writeRecord wrote; fs.ErrNotExist if that was not all of it.
func readRecord(dir string) (*record, error) {
	name := filepath.Join(dir, bundle.NativeName)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxRecord {
		return nil, fmt.Errorf("%s has %d bytes: %w", name, info.Size(), errRecord)
	}
	body := make([]byte, info.Size())
	if _, err := f.ReadAt(body, 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r, err := parseRecord(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.bundle = dir
	return r, nil
}

func parseRecord(body []byte) (*record, error) {
	if len(body) == 0 || body[len(body)-1] != '\n' {
		return nil, fmt.Errorf("cut off: %w", fs.ErrNotExist)
	}
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	switch {
	case r.Version != recordVersion, r.ID == "", r.Namespace == "", r.Peer.Pid <= 0, r.Shim.Pid <= 0,
		!filepath.IsAbs(r.Program), filepath.Dir(r.Dir) != Root, r.Dir != filepath.Clean(r.Dir):
		return nil, fmt.Errorf("%w of version %d", errRecord, recordVersion)
	}
	return &r, nil
}
