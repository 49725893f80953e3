package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/programs"
	"wasmgo/pkg/settings"
)

// become executes another program in this one's place, under its name.
func (l launcher) become(program func(programs.Dir) string, args []string) error {
	// The program says what is wrong with the settings, or what to do about it: `config show`, `doctor`.
	host, _ := settings.ReadHost(os.Environ())
	dir, err := l.programs(userRoot(host))
	if err != nil {
		return err
	}
	path := program(dir)
	return tryBoth(dir, path, func(path string) error {
		err := unix.Exec(path, append([]string{os.Args[0]}, args...), environment(dir))
		return &os.PathError{Op: "exec", Path: path, Err: err}
	})
}

// startShim starts the shim as cmd has it, but for the path.
func startShim(dir programs.Dir, cmd exec.Cmd) (started *exec.Cmd, err error) {
	err = tryBoth(dir, dir.Shim(), func(path string) error {
		c := cmd
		c.Path = path
		started = &c
		return c.Start()
	})
	return started, err
}

// ask runs the shim for a short answer. Its complaint is the error, which does not take away what it answered before.
func ask(dir programs.Dir, input []byte, args ...string) ([]byte, error) {
	var out, complaint bytes.Buffer
	cmd, err := startShim(dir, exec.Cmd{
		Args: append([]string{os.Args[0]}, args...), Env: environment(dir),
		Stdin: bytes.NewReader(input), Stdout: &out, Stderr: &complaint,
	})
	if err == nil {
		err = cmd.Wait()
	}
	if text := strings.TrimSpace(complaint.String()); err != nil && text != "" {
		return out.Bytes(), errors.New(text)
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("shim %s: %w", strings.Join(args, " "), err)
	}
	return out.Bytes(), nil
}

// tryBoth executes a program of dir by its path, and where that is forbidden, as on a /var that is mounted noexec, by a mount of dir that
// only this process has.
func tryBoth(dir programs.Dir, path string, execute func(path string) error) error {
	err := execute(path)
	if !errors.Is(err, unix.EACCES) {
		return err
	}
	tree, treeErr := detached.Open(string(dir))
	if treeErr != nil {
		return err
	}
	defer tree.Close()
	rel, relErr := filepath.Rel(string(dir), path)
	if relErr != nil {
		return err
	}
	// The new process still has the descriptor when it resolves this: it is closed by the exec itself.
	if execute("/proc/self/fd/"+strconv.Itoa(int(tree.Fd()))+"/"+rel) == nil {
		return nil
	}
	return err
}

// environment is this process's, with where the programs lie.
func environment(dir programs.Dir) []string {
	env := make([]string, 0, 64)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, programs.Variable+"=") {
			env = append(env, e)
		}
	}
	return append(env, programs.Variable+"="+string(dir))
}
