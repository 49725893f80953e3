package direct

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// needsName is the file beside the code that says what a component needs.
const needsName = "needs"

// Compile has the runner compile a module or component into dir, for Start.
func Compile(runner string, file []byte, dir string) error {
	code, err := compile(runner, "compile", file)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(code, []byte(handover.SplitMagic)) {
		return os.WriteFile(filepath.Join(dir, handover.CodeName), code, 0o644)
	}
	parts, err := handover.ReadSplit(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return err
	}
	mode := "compile"
	switch {
	case parts.Needs&handover.NeedsSlots != 0:
		mode = "compile-recycled"
	case parts.Needs&handover.NeedsServer != 0:
		mode = "compile-interruptible"
	}
	if err := os.WriteFile(filepath.Join(dir, needsName), []byte{byte(parts.Needs)}, 0o644); err != nil {
		return err
	}
	skeleton, err := io.ReadAll(parts.Skeleton)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, handover.ComponentName), skeleton, 0o644); err != nil {
		return err
	}
	for i, part := range parts.Modules {
		module, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if code, err = compile(runner, mode, module); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, handover.CoreName(i)), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func compile(runner, mode string, file []byte) ([]byte, error) {
	var code, message bytes.Buffer
	cmd := exec.Command(runner)
	cmd.Env = []string{"WASMGO_RUNNER=" + mode}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(file), &code, &message
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("compile: %w: %s", err, message.String())
	}
	return code.Bytes(), nil
}

// Process is a runner with a guest. Its standard error is this process's.
type Process struct {
	Started time.Time // just before the fork
	Stdin   *os.File  // the caller's end
	Stdout  *os.File  // the caller's end
	cmd     *exec.Cmd
	socket  *os.File
	said    *os.File // the caller's end of its standard error, or nil
}

// Start starts a runner with the code in dir and waits until it is ready. Close ends it. args are the guest's after its name.
func Start(runner, dir string, args ...string) (*Process, error) {
	return start(runner, dir, os.Stderr, handover.Guest{Module: "/guest.wasm", Args: append([]string{"guest.wasm"}, args...), Cwd: "/"})
}

// Serve starts the runner that has HTTP with a component that serves it, at an address of the machine itself that it returns, and
// returns when it answers there. What it says on its standard error after that is lost.
func Serve(runner, dir string, settings handover.HTTP) (p *Process, address string, err error) {
	settings.Addr = "127.0.0.1:0"
	needs, err := os.ReadFile(filepath.Join(dir, needsName))
	if err != nil {
		return nil, "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	p, err = start(runner, dir, w, handover.Guest{
		Module: "/guest.wasm", Args: []string{"guest.wasm"}, Cwd: "/", Needs: handover.Needs(needs[0]), HTTP: settings,
	})
	w.Close()
	if err != nil {
		return nil, "", errors.Join(err, r.Close())
	}
	p.said = r
	if err := p.Begin(); err != nil {
		return nil, "", errors.Join(err, p.Close())
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), " answers HTTP at ")
	if !ok {
		return nil, "", errors.Join(fmt.Errorf("it says %q", line), err, p.Close())
	}
	return p, address, nil
}

// Signal sends it a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

func start(runner, dir string, stderr *os.File, g handover.Guest) (_ *Process, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	p := &Process{cmd: exec.Command(runner), socket: os.NewFile(uintptr(pair[0]), "socket")}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	code, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	var in, out *os.File
	if in, p.Stdin, err = os.Pipe(); err != nil {
		return nil, err
	}
	defer in.Close()
	if p.Stdout, out, err = os.Pipe(); err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Env = []string{"WASMGO_RUNNER=guest", "GLIBC_TUNABLES=glibc.malloc.tcache_count=40"} // as in package sandbox
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, out, stderr
	p.cmd.ExtraFiles = []*os.File{theirs, code}
	p.Started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := handover.Send(p.socket, g); err != nil {
		return nil, err
	}
	theirs.Close() // so that a runner that dies is noticed
	var ready handover.Ready
	if err := handover.Receive(p.socket, &ready); err != nil {
		return nil, err
	}
	if ready.Refusal != nil {
		return nil, ready.Refusal
	}
	if ready.Failure != "" {
		return nil, errors.New(ready.Failure)
	}
	return p, nil
}

// Begin lets the guest run.
func (p *Process) Begin() error { return handover.Begin(p.socket) }

// Wait closes the guest's standard input and waits for its end.
func (p *Process) Wait() error {
	p.Stdin.Close()
	return p.cmd.Wait()
}

// Close kills the runner if it still runs, and releases what is left. It may be called after Wait and twice.
func (p *Process) Close() error {
	for _, f := range []*os.File{p.socket, p.Stdin, p.Stdout, p.said} {
		if f != nil {
			f.Close()
		}
	}
	if p.cmd.Process == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := p.cmd.Wait(); p.cmd.ProcessState == nil {
		return err
	}
	return nil
}

// PSS is the process's proportional set size in bytes: what it has to itself, and its share of what it shares.
func (p *Process) PSS() (int64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if kib, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("smaps_rollup without Pss")
}

// FirstInstruction is the time from just before fork and exec of a runner to the first instruction of the guest "clock", whose
// code is in dir: the guest asks for the time before all else.
func FirstInstruction(runner, dir string) (time.Duration, error) {
	p, err := Start(runner, dir)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	if err := p.Begin(); err != nil {
		return 0, err
	}
	var there [8]byte
	if _, err := io.ReadFull(p.Stdout, there[:]); err != nil {
		return 0, err
	}
	took := time.Unix(0, int64(binary.LittleEndian.Uint64(there[:]))).Sub(p.Started)
	return took, p.Wait()
}

// FirstOutput is the time from just before fork and exec of a runner to the first byte that its guest, whose code is in dir, has
// written: for a guest that cannot be asked, an upper bound of the time to its first instruction.
func FirstOutput(runner, dir string, args ...string) (time.Duration, error) {
	p, err := Start(runner, dir, args...)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	if err := p.Begin(); err != nil {
		return 0, err
	}
	if _, err := p.Stdout.Read(make([]byte, 1)); err != nil {
		return 0, err
	}
	took := time.Since(p.Started)
	if _, err := io.Copy(io.Discard, p.Stdout); err != nil {
		return 0, err
	}
	return took, p.Wait()
}

// IdleComponent is a component, in text, that waits for its standard input.
//
//go:embed testdata/idle_component.wat
var IdleComponent []byte

// IdlePSS is the mean PSS in bytes of n runners at the same time, each with the guest whose code is in dir (use "idle") and begun.
func IdlePSS(runner, dir string, n int) (mean int64, err error) {
	var all []*Process
	defer func() {
		for _, p := range all {
			err = errors.Join(err, p.Close())
		}
	}()
	for range n {
		p, err := Start(runner, dir)
		if err != nil {
			return 0, err
		}
		all = append(all, p)
		if err := p.Begin(); err != nil {
			return 0, err
		}
		// Its end of the conversation is closed just before the guest runs.
		if _, err := p.socket.Read(make([]byte, 1)); err != io.EOF {
			return 0, fmt.Errorf("await the guest's beginning: %w", err)
		}
	}
	var total int64
	for _, p := range all {
		pss, err := p.PSS()
		if err != nil {
			return 0, err
		}
		total += pss
	}
	return total / int64(n), nil
}
