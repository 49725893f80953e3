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

	"wasmgo/pkg/sandbox/cgroup"
)

// recordName is the file in the bundle that Reclaim reads.
const recordName = "sandbox.json"

// record is what has to be known of a sandbox to remove it, by a process that did not make it. It is written before each
// step that leaves something behind. Mounts and namespaces are not in it: they end with the last process.
type record struct {
	Version   int    `json:"version"`
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
	// CgroupPath and Systemd say where the control group was to be made; Cgroup is set once it is.
	CgroupPath string        `json:"cgroupPath"`
	Systemd    bool          `json:"systemd,omitempty"`
	Cgroup     *cgroup.State `json:"cgroup,omitempty"`
	// Pid is the runner's, 0 before it is born. Started, its start in clock ticks since boot, tells it from another
	// process that got its number later.
	Pid     int    `json:"pid,omitempty"`
	Started uint64 `json:"started,omitempty"`
	// For the poststop hooks and their state.
	OCIVersion  string            `json:"ociVersion"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Poststop    []specs.Hook      `json:"poststop,omitempty"`

	bundle string
}

const recordVersion = 1

var errRecord = errors.New("not a sandbox record")

// write replaces the file. The file system it lies on does not outlive a crash of the machine, so it is not synced.
func (r *record) write() error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s: %w", recordName, err)
	}
	name := filepath.Join(r.bundle, recordName)
	if err := os.WriteFile(name+".new", body, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// remove takes the file away. It is no error if it is not there.
func (r *record) remove() error {
	name := filepath.Join(r.bundle, recordName)
	for _, n := range []string{name, name + ".new"} {
		if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
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

func parseRecord(body []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	if r.Version != recordVersion || r.ID == "" || r.CgroupPath == "" || r.Pid < 0 {
		return nil, fmt.Errorf("%w of version %d", errRecord, recordVersion)
	}
	return &r, nil
}

// startTime is when a process started, in clock ticks since boot: field 22 of /proc/<pid>/stat (proc_pid_stat(5)).
func startTime(pid int) (uint64, error) {
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
