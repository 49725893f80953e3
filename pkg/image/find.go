package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// DefaultPath is where a name without a slash is looked for when the container's environment has no PATH.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// maxSplits bounds how many of the '#' in args[0] are tried as the beginning of an export's name, last first.
const maxSplits = 16

// Process is the part of the OCI process that says what to run.
type Process struct {
	Args []string
	Env  []string // NAME=value each; of two with one name the last counts
	Cwd  string   // absolute
}

// Module is what was found. The caller closes File.
type Module struct {
	// File is open for reading, at its beginning. It is a regular file, but anyone may be writing to it.
	File *os.File
	// Name is the module's path as the container sees it, for messages.
	Name string
	// Export is the function that args[0] asks for after its '#'; "" is the module's own entry point.
	Export string
	// Kind is Core, Component, Text or TextComponent.
	Kind Kind
}

// Find returns the module that p.Args[0] names. Root is a descriptor (O_PATH is enough) of the container's "/".
//
// The error is a *handover.Refusal if the container has no such file (127) or one that cannot be run (126). See Identify for accept.
func Find(root *os.File, p Process, accept ...Kind) (*Module, error) {
	if len(p.Args) == 0 || p.Args[0] == "" {
		return nil, refuse(handover.CodeNotFound, "there is nothing to run: the container has no command; give the path of a .wasm file in the image as its entrypoint")
	}
	var first *missError
	for _, e := range entries(p.Args[0]) {
		f, name, err := e.open(root, p)
		if err == nil {
			return identify(f, name, e.export, accept)
		}
		var miss *missError
		if !errors.As(err, &miss) {
			return nil, err
		}
		// Of several readings of args[0] the first is the plainest; a later one is better if its file is there at all.
		if first == nil || first.absent() && !miss.absent() {
			first = miss
		}
	}
	return nil, first.refusal()
}

// entry is one way to read args[0].
type entry struct {
	file, export string
}

// entries lists the ways to read arg: as a file's name as it stands, or as file#export split at a '#'. Longer file names
// come first, so that a file whose real name has a '#' wins.
func entries(arg string) []entry {
	list := []entry{{file: arg}}
	for end := len(arg); len(list) <= maxSplits; {
		end = strings.LastIndexByte(arg[:end], '#')
		if end <= 0 {
			break
		}
		if export := arg[end+1:]; export != "" {
			list = append(list, entry{file: arg[:end], export: export})
		}
	}
	return list
}

// open opens the file of e: itself if it has a slash, else the first of that name along PATH and then in the working
// directory. Many images say ENTRYPOINT ["hello.wasm"] for a file in their working directory, so that comes last.
func (e entry) open(root *os.File, p Process) (*os.File, string, error) {
	if strings.Contains(e.file, "/") {
		name := within(p.Cwd, e.file)
		f, err := openIn(root, name)
		return f, name, err
	}
	var best *missError
	for _, dir := range searchPath(p) {
		name := within(dir, e.file)
		f, err := openIn(root, name)
		if err == nil {
			return f, name, nil
		}
		var miss *missError
		if !errors.As(err, &miss) {
			return nil, "", err
		}
		// Something that is there but cannot be opened tells more than the many places where there is nothing.
		if best == nil && !miss.absent() {
			best = miss
		}
	}
	if best == nil {
		best = &missError{name: e.file, err: unix.ENOENT, searched: true}
	}
	return nil, "", best
}

// searchPath lists the directories for a name without a slash.
func searchPath(p Process) []string {
	value := DefaultPath
	for _, kv := range p.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			value = v
		}
	}
	var dirs []string
	for dir := range strings.SplitSeq(value, ":") {
		dirs = append(dirs, within(p.Cwd, dir)) // an empty one is the working directory, as in POSIX
	}
	return append(dirs, within(p.Cwd, ""))
}

// within joins name to dir unless it is absolute. It does not clean away "..", which means something else after a symlink.
func within(dir, name string) string {
	switch {
	case strings.HasPrefix(name, "/"):
		return name
	case name == "":
		return dir
	}
	return strings.TrimSuffix(dir, "/") + "/" + strings.TrimPrefix(name, "./")
}

// identify tells what f holds and lets a module pass. It closes f if it refuses it.
func identify(f *os.File, name, export string, accept []Kind) (*Module, error) {
	kind, err := Identify(f, name, accept...)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Module{File: f, Name: name, Export: export, Kind: kind}, nil
}

// Identify tells what f, called name, holds. What cannot be run is a *handover.Refusal, unless it is of a kind to accept.
func Identify(f *os.File, name string, accept ...Kind) (Kind, error) {
	kind, head, err := identifyHead(f)
	if err != nil {
		return kind, fmt.Errorf("read module: %w", err)
	}
	if reason := kind.refusal(head); reason != "" && !slices.Contains(accept, kind) {
		return kind, refuse(handover.CodeNotRunnable, name+" "+reason)
	}
	return kind, nil
}

// identifyHead reads as much of f as it takes to tell its kind.
func identifyHead(f *os.File) (kind Kind, head []byte, err error) {
	for _, size := range []int{shortHead, longHead} {
		head = make([]byte, size)
		n, err := f.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return Unknown, nil, err
		}
		head = head[:n]
		kind = Sniff(head)
		if n < size || kind != Unknown && kind != Text && kind != TextComponent {
			break
		}
	}
	return kind, head, nil
}

func refuse(code int, message string) *handover.Refusal {
	return &handover.Refusal{Code: code, Message: message}
}

// missError says why a name did not give a file to read.
type missError struct {
	name string
	err  error // of the system call, or a notRegularError
	// searched says that name was looked for along PATH.
	searched bool
}

func (m *missError) Error() string { return m.name + ": " + m.err.Error() }
func (m *missError) Unwrap() error { return m.err }

// absent reports whether there simply is no file of this name.
func (m *missError) absent() bool {
	return errors.Is(m.err, unix.ENOENT) || errors.Is(m.err, unix.ENOTDIR)
}

func (m *missError) refusal() *handover.Refusal {
	var irregular notRegularError
	switch {
	case m.searched:
		return refuse(handover.CodeNotFound, m.name+" was not found along PATH nor in the working directory; is it in the image, and is the image's entrypoint its path?")
	case m.absent():
		return refuse(handover.CodeNotFound, m.name+" does not exist in the container; is it in the image, or is a volume mounted over it?")
	case errors.As(m.err, &irregular):
		return refuse(handover.CodeNotRunnable, m.name+" is "+irregular.what()+", not a file with a Wasm module; the entrypoint must be the path of one")
	case errors.Is(m.err, unix.ELOOP):
		return refuse(handover.CodeNotRunnable, m.name+" leads through too many symbolic links, or through one that must not be followed")
	case errors.Is(m.err, unix.ENAMETOOLONG):
		return refuse(handover.CodeNotFound, shorten(m.name)+" cannot exist: the name is too long")
	}
	return refuse(handover.CodeNotRunnable, m.name+" cannot be opened: "+m.err.Error())
}

// shorten keeps a message readable when the name in it is not.
func shorten(name string) string {
	const enough = 80
	if len(name) <= enough {
		return name
	}
	return path.Clean(name[:enough]) + "…"
}
