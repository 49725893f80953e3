package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/sandbox/cgroup"
)

// recordName is the file in the bundle that Reclaim reads.
const recordName = bundle.SandboxName

// record is what has to be known of a sandbox to remove it, by a process that did not make it. Mounts and namespaces are not
// in it: they end with the last process.
//
// The file has two lines of JSON, each written by one write(2) before the step that leaves something behind, the second
// adding to the first. A line without its end was cut off by a crash, and what it announces was never made.
type record struct {
	Version   int    `json:"version,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	ID        string `json:"id,omitempty"`
	// CgroupPath and Systemd say where the control group is to be made.
	CgroupPath string `json:"cgroupPath,omitempty"`
	Systemd    bool   `json:"systemd,omitempty"`
	// For the poststop hooks and their state.
	OCIVersion  string            `json:"ociVersion,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Poststop    []specs.Hook      `json:"poststop,omitempty"`

	birth
	bundle string
	file   *os.File // open between the two lines
}

// birth is the second line: what is known when the runner has been born.
type birth struct {
	Cgroup *cgroup.State `json:"cgroup,omitempty"`
	// Pid is the runner's. Started, its start in clock ticks since boot, tells it from another process that got its number
	// later.
	Pid     int    `json:"pid,omitempty"`
	Started uint64 `json:"started,omitempty"`
}

const recordVersion = 1

var errRecord = errors.New("not a sandbox record")

// create writes the first line. The file system does not outlive a crash of the machine, so nothing is synced.
func (r *record) create() error {
	name := filepath.Join(r.bundle, recordName)
	// Not os.OpenFile, which asks the poller about every file.
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	r.file = os.NewFile(uintptr(fd), name)
	return r.line(r)
}

// born writes the second line.
func (r *record) born() error {
	err := r.line(r.birth)
	return errors.Join(err, r.close())
}

func (r *record) line(what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encode %s: %w", recordName, err)
	}
	_, err = r.file.Write(append(body, '\n'))
	return err
}

// close closes the file, also if that was done already.
func (r *record) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// remove takes the file away. It is no error if it is not there.
func (r *record) remove() error {
	name := filepath.Join(r.bundle, recordName)
	err := unix.Unlink(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&os.PathError{Op: "unlink", Path: name, Err: err}, r.close())
	}
	return r.close()
}

// readRecord reads what Start wrote. Without a file the error is fs.ErrNotExist.
func readRecord(bundle string) (*record, error) {
	body, err := os.ReadFile(filepath.Join(bundle, recordName))
	if err != nil {
		return nil, err
	}
	r, err := parseRecord(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(bundle, recordName), err)
	}
	r.bundle = bundle
	return r, nil
}

// InitPid returns the number of the runner that Start made from the bundle, 0 if there is none on record. It is for those
// who have to name it when its Process is gone; Reclaim removes the record.
func InitPid(bundle string) (int, error) {
	r, err := readRecord(bundle)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return r.Pid, nil
}

// parseRecord reads the lines of the file. A file that is cut off in its first line is as good as none: fs.ErrNotExist.
func parseRecord(body []byte) (*record, error) {
	var r record
	first, rest, whole := bytes.Cut(body, []byte("\n"))
	if !whole {
		return nil, fmt.Errorf("cut off: %w", fs.ErrNotExist)
	}
	if err := json.Unmarshal(first, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	if second, _, whole := bytes.Cut(rest, []byte("\n")); whole {
		if err := json.Unmarshal(second, &r.birth); err != nil {
			return nil, fmt.Errorf("%w: %w", errRecord, err)
		}
	}
	if r.Version != recordVersion || r.ID == "" || r.CgroupPath == "" || r.Pid < 0 {
		return nil, fmt.Errorf("%w of version %d", errRecord, recordVersion)
	}
	return &r, nil
}

// StartTime is when a process started, in clock ticks since boot: field 22 of /proc/<pid>/stat (proc_pid_stat(5)).
func StartTime(pid int) (uint64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStartTime(stat)
}

func parseStartTime(stat []byte) (uint64, error) {
	// The second field is the program's name in brackets, which may hold anything, brackets too.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("proc stat of %d fields: %w", len(fields)+2, errRecord)
	}
	return strconv.ParseUint(string(fields[19]), 10, 64)
}
