package settings

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// ConfigPath is where the operator's file is, unless FileVariable in containerd's environment names another.
const ConfigPath = "/etc/wasmgo/config.toml"

// FileVariable names the file of the settings.
const FileVariable = "WASMGO_CONFIG_FILE"

// maxFile bounds the file, and a runtime's options, in bytes.
const maxFile = 1 << 20

// Host is what the operator has said: the file, the environment of containerd, the options of a runtime. Its zero value is nothing.
type Host struct {
	said map[string]Said // by full name
}

// ReadHost reads the file and the given environment, which is containerd's. A file that is not there says nothing, unless the environment
// names it.
func ReadHost(environ []string) (Host, error) {
	said, err := fromEnvironment(environ)
	if err != nil {
		return Host{}, err
	}
	path, named := ConfigPath, false
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, FileVariable+"="); ok && value != "" {
			path, named = value, true
		}
	}
	file, err := ParseFile(path, File)
	if errors.Is(err, os.ErrNotExist) && !named {
		err = nil
	}
	if err != nil {
		return Host{}, err
	}
	return Host{}.With(file).With(said), nil
}

// With is h and what wins over it.
func (h Host) With(said []Said) Host {
	if len(said) == 0 {
		return h
	}
	out := Host{said: maps.Clone(h.said)}
	if out.said == nil {
		out.said = make(map[string]Said, len(said))
	}
	for _, s := range said {
		out.said[s.Name()] = s
	}
	return out
}

// Values are those of the host, without a container.
func (h Host) Values() Values {
	v := Values{Root: DefaultRoot, LogFormat: "text"}
	for _, s := range h.said {
		s.Setting.store(&v, s.Key, s.value)
	}
	return v
}

// OfShim is what the options of a runtime say of the shim as a whole, as variables for its environment.
func (h Host) OfShim() (env []string) {
	for _, s := range h.Said() {
		if s.Where == Options && s.Setting.OfShim {
			env = append(env, s.Setting.VariableName()+"="+s.Text)
		}
	}
	return env
}

// Said is what was said, in the order of the table.
func (h Host) Said() []Said { return inOrder(h.said) }

func inOrder(said map[string]Said) []Said {
	return slices.SortedFunc(maps.Values(said), func(a, b Said) int {
		if d := a.Setting.position() - b.Setting.position(); d != 0 {
			return d
		}
		return strings.Compare(a.Key, b.Key)
	})
}

// position is the row's number.
func (s *Setting) position() int {
	return slices.IndexFunc(rows(), func(t Setting) bool { return t.Name == s.Name })
}

// ParseOptions reads the text of a runtime's options.
func ParseOptions(body []byte) ([]Said, error) { return parseTOML(body, Options, "runtime options") }

// ParseFile reads a file of settings: the operator's, or one that a runtime's option names. Errors are errdefs.ErrInvalidArgument, or
// what keeps the file from being read.
func ParseFile(path string, where Where) ([]Said, error) {
	body, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parseTOML(body, where, path)
}

// readFile reads a file that only root, or whoever runs this, can have written.
func readFile(path string) ([]byte, error) {
	// Non-blocking: the name of a FIFO must not hold the start of a container.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("settings: %w: %w", &os.PathError{Op: "open", Path: path, Err: err}, errdefs.ErrInvalidArgument)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("settings: %w", &os.PathError{Op: "fstat", Path: path, Err: err})
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxFile:
		return nil, fmt.Errorf("%s is not a file of at most %d bytes: %w", path, maxFile, errdefs.ErrInvalidArgument)
	case st.Mode&0o022 != 0 || st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%s (mode %o, user %d) can be written by others than root: `chown root %s && chmod 644 %s`: %w",
			path, st.Mode&0o7777, st.Uid, path, path, errdefs.ErrInvalidArgument)
	}
	body, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return body, nil
}
