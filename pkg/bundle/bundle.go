package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/settings"
)

// ConfigName is the file that holds the OCI specification of a container.
const ConfigName = "config.json"

// SandboxName is the file that is there as long as a container may have something to remove. It is pkg/sandbox's.
const SandboxName = "sandbox.json"

// NativeName is the same for a container that containerd-shim-runc-v2 runs for us. It is pkg/native's.
const NativeName = "native.json"

// maxConfig bounds config.json in bytes. 10 MB of environment in which JSON escapes every byte is 60 MB.
const maxConfig = 64 << 20

// Bundle is all that is known of a container before it is created.
type Bundle struct {
	// Dir is the bundle's directory, absolute.
	Dir string
	// Pod is the sandbox that containerd 2 says the container belongs to, "" for none.
	Pod string
	// Spec is config.json without what Settings has taken out of it.
	Spec *specs.Spec
	// Settings are what holds for the container of what can be set.
	Settings settings.Values

	host settings.Host
}

// Load reads the bundle in dir. Host is what the operator has set. An error is errdefs.ErrInvalidArgument and names the file, field,
// annotation or variable at fault, or errdefs.ErrNotFound if there is no config.json.
func Load(dir string, host settings.Host) (*Bundle, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	body, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	spec, err := parseSpec(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, ConfigName), err)
	}
	values, err := takeSettings(spec, host)
	if err != nil {
		return nil, err
	}
	pod, err := readPod(dir)
	if err != nil {
		return nil, err
	}
	return &Bundle{Dir: dir, Pod: pod, Spec: spec, Settings: values, host: host}, nil
}

// podName is the file in which containerd names the sandbox of a container. A container's id has at most 76 bytes.
const (
	podName = "sandbox"
	maxPod  = 255
)

// readPod reads which sandbox the container of a bundle belongs to.
func readPod(dir string) (string, error) {
	f, err := os.Open(filepath.Join(dir, podName))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close()
	name, err := io.ReadAll(io.LimitReader(f, maxPod+1))
	if err != nil {
		return "", fmt.Errorf("read bundle: %w", err)
	}
	if len(name) > maxPod {
		return "", fmt.Errorf("%s is longer than %d bytes: %w", f.Name(), maxPod, errdefs.ErrInvalidArgument)
	}
	return string(name), nil
}

// Exec is the bundle of a further process in the container, whose settings hold for it too. Variables of wasmgo are removed from the
// process's environment, which is the container's as a rule. An error is errdefs.ErrInvalidArgument and names the variable.
func (b *Bundle) Exec(process *specs.Process) (*Bundle, error) {
	spec := *b.Spec
	spec.Process = process
	variables := spec
	variables.Annotations = nil
	if _, err := takeSettings(&variables, b.host); err != nil {
		return nil, err
	}
	return &Bundle{Dir: b.Dir, Pod: b.Pod, Spec: &spec, Settings: b.Settings, host: b.host}, nil
}

// SystemdCgroup reports whether the container's cgroup is made by systemd. Not every caller can set the option (dockerd
// sends none to a runtime that is not runc), but all who mean systemd write the path as slice:prefix:name.
func (b *Bundle) SystemdCgroup() bool {
	return b.Settings.SystemdCgroup || b.Spec.Linux != nil && strings.Count(b.Spec.Linux.CgroupsPath, ":") == 2
}

// Pause reports whether the container is there to hold a pod's namespaces, and nothing of its image is to be run.
func (b *Bundle) Pause() bool {
	// pkg/cri/annotations of containerd; other containers of a pod have "container".
	return b.Spec.Annotations["io.kubernetes.cri.container-type"] == "sandbox"
}

// MemoryLimit is the container's memory limit in bytes, 0 for none.
func (b *Bundle) MemoryLimit() int64 {
	l := b.Spec.Linux
	if l == nil || l.Resources == nil || l.Resources.Memory == nil || l.Resources.Memory.Limit == nil {
		return 0
	}
	return max(*l.Resources.Memory.Limit, 0) // -1 is the specification's "unlimited"
}

func readConfig(dir string) ([]byte, error) {
	name := filepath.Join(dir, ConfigName)
	f, err := os.Open(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s does not exist: %w", name, errdefs.ErrNotFound)
		}
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: %w", name, errdefs.ErrInvalidArgument)
	case info.Size() > maxConfig:
		return nil, fmt.Errorf("%s has %d bytes, limit %d: %w", name, info.Size(), maxConfig, errdefs.ErrInvalidArgument)
	}
	body := make([]byte, info.Size())
	if _, err := io.ReadFull(f, body); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return body, nil
}

// parseSpec decodes config.json and checks that it is one this package can read. What the sandbox can do is asked there.
func parseSpec(body []byte) (*specs.Spec, error) {
	var spec specs.Spec
	if err := json.Unmarshal(body, &spec); err != nil {
		return nil, fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument)
	}
	if err := checkVersion(spec.Version); err != nil {
		return nil, err
	}
	switch {
	case spec.Process == nil:
		return nil, fmt.Errorf("process is missing: %w", errdefs.ErrInvalidArgument)
	case len(spec.Process.Args) == 0:
		return nil, fmt.Errorf("process.args is empty: %w", errdefs.ErrInvalidArgument)
	case spec.Root == nil:
		return nil, fmt.Errorf("root is missing: %w", errdefs.ErrInvalidArgument)
	case spec.Linux == nil:
		return nil, fmt.Errorf("linux is missing: %w", errdefs.ErrInvalidArgument)
	}
	return &spec, nil
}

// checkVersion takes any 1.x: within a major version the specification only adds.
func checkVersion(version string) error {
	if version == "" {
		return fmt.Errorf("ociVersion is missing: %w", errdefs.ErrInvalidArgument)
	}
	major, rest, ok := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	_, err := strconv.ParseUint(minor, 10, 16)
	if !ok || err != nil || major != "1" {
		return fmt.Errorf("ociVersion %q is not 1.x: %w", version, errdefs.ErrInvalidArgument)
	}
	return nil
}

// Annotations reads only the annotations of the bundle in dir, for the start of a shim.
func Annotations(dir string) (map[string]string, error) {
	body, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	var shallow struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(body, &shallow); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", filepath.Join(dir, ConfigName), err, errdefs.ErrInvalidArgument)
	}
	return shallow.Annotations, nil
}
