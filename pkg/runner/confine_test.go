package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// runInside calls a function of inside in a process of its own.
func runInside(t *testing.T, name string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), insideVariable+"="+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestOwnFilterInTheKernel(t *testing.T) { runInside(t, "denied") }

// TestOwnFilter asks the program itself about every call, which the kernel could not be asked for without doing harm if it failed.
func TestOwnFilter(t *testing.T) {
	own := assemble(denied)
	ruled := map[uint32]rule{}
	for _, r := range denied {
		if _, twice := ruled[r.number]; twice {
			t.Errorf("call %d is ruled twice", r.number)
		}
		ruled[r.number] = r
	}
	if len(own) > 256 {
		t.Errorf("%d instructions: jumps of tree may not reach", len(own))
	}
	for number := range uint32(600) {
		want := uint32(unix.SECCOMP_RET_ALLOW)
		r, isRuled := ruled[number]
		if isRuled {
			want = answer(unix.EPERM)
			if r.errno != 0 {
				want = answer(r.errno)
			}
		}
		if got := evaluate(t, own, number, auditArch, 0); got != want {
			t.Errorf("call %d: %#x, want %#x", number, got, want)
		}
	}
	for name, c := range map[string]struct {
		number, arch uint32
		arg          uint64
		want         uint32
	}{
		"a thread as the C library makes it": {unix.SYS_CLONE, auditArch, 0x3d0f00, unix.SECCOMP_RET_ALLOW},
		"a process":                          {unix.SYS_CLONE, auditArch, uint64(unix.SIGCHLD), answer(unix.EPERM)},
		"a thread in new namespaces":         {unix.SYS_CLONE, auditArch, 0x3d0f00 | unix.CLONE_NEWUSER, answer(unix.EPERM)},
		"another architecture":               {unix.SYS_READ, unix.AUDIT_ARCH_MIPS, 0, answer(unix.ENOSYS)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evaluate(t, own, c.number, c.arch, c.arg); got != c.want {
				t.Errorf("got %#x, want %#x", got, c.want)
			}
		})
	}
	if foreignNumbers != 0 {
		if got := evaluate(t, own, foreignNumbers|1, auditArch, 0); got != answer(unix.ENOSYS) {
			t.Errorf("a call by x32's numbers: %#x", got)
		}
	}
}

func TestWorkerFilter(t *testing.T) {
	program := allowOnly(workerCalls)
	for name, c := range map[string]struct {
		number uint32
		arg    uint64
		want   uint32
	}{
		"read":                       {unix.SYS_READ, 0, unix.SECCOMP_RET_ALLOW},
		"a thread":                   {unix.SYS_CLONE, 0x3d0f00, unix.SECCOMP_RET_ALLOW},
		"a thread in new namespaces": {unix.SYS_CLONE, 0x3d0f00 | unix.CLONE_NEWNS, answer(unix.EPERM)},
		"a process":                  {unix.SYS_CLONE, 0, answer(unix.EPERM)},
		"clone3":                     {unix.SYS_CLONE3, 0, answer(unix.ENOSYS)},
		"the runtime's poller":       {unix.SYS_EPOLL_CREATE1, 0, unix.SECCOMP_RET_ALLOW},
		"openat":                     {unix.SYS_OPENAT, 0, answer(unix.EPERM)},
		"socket":                     {unix.SYS_SOCKET, 0, answer(unix.EPERM)},
		"execve":                     {unix.SYS_EXECVE, 0, answer(unix.EPERM)},
		"kill":                       {unix.SYS_KILL, 0, answer(unix.EPERM)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := evaluate(t, program, c.number, auditArch, c.arg); got != c.want {
				t.Errorf("got %#x, want %#x", got, c.want)
			}
		})
	}
}

// TestRunnerIsConfined looks at a runner that is ready: its module is loaded and its guest has not begun.
func TestRunnerIsConfined(t *testing.T) {
	allow := bytesOf([]unix.SockFilter{statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW)})
	s := spawn(t, "loop", withGuest(func(g *handover.Guest) { g.Seccomp = [][]byte{allow, allow} }))
	s.begin()
	s.expect("looping\n")
	threads, err := filepath.Glob(procDir(s.cmd) + "/task/*/status")
	if err != nil || len(threads) == 0 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		status := string(b)
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "Seccomp_filters:\t" + filters(t, 3) + "\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("%s misses %q: %s", path, want, status)
			}
		}
	}
}

// filters is the number of seccomp filters of a child of this process that has n of its own.
func filters(t *testing.T, n int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if inherited, ok := strings.CutPrefix(line, "Seccomp_filters:\t"); ok {
			have, err := strconv.Atoi(strings.TrimSpace(inherited))
			if err != nil {
				t.Fatal(err)
			}
			n += have
		}
	}
	return strconv.Itoa(n)
}

func TestContainersFilterBinds(t *testing.T) {
	// mkdirat is EACCES, whoever asks.
	program := bytesOf(assemble([]rule{{number: unix.SYS_MKDIRAT, errno: unix.EACCES}}))
	dir := t.TempDir()
	s := spawn(t, "files", withArgs("mkdir", filepath.Join(dir, "new")), withGuest(func(g *handover.Guest) { g.Seccomp = [][]byte{program} }))
	if code, _ := s.run(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	inOrder(t, s.stderr.String(), []string{"mkdir", "Permission denied"})
}

func TestDamagedFiltersEndTheRunner(t *testing.T) {
	for name, program := range map[string][]byte{
		"empty":             {},
		"half":              make([]byte, instruction/2),
		"no return":         make([]byte, instruction),
		"too many for BPF":  make([]byte, (maxProgram+1)*instruction),
		"an unknown opcode": {0xff, 0xff, 0, 0, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			launch(t, "", "any", withGuest(func(g *handover.Guest) { g.Seccomp = [][]byte{program} })).fails("seccomp program 0")
		})
	}
}

func answer(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// evaluate runs a filter on one system call as the kernel would, for the instructions we use.
func evaluate(t testing.TB, program []unix.SockFilter, number, arch uint32, arg0 uint64) uint32 {
	t.Helper()
	data := map[uint32]uint32{dataNumber: number, dataArch: arch, dataArg0Low: uint32(arg0), dataArg0Low + 4: uint32(arg0 >> 32)}
	var a uint32
	for pc := 0; pc < len(program); pc++ {
		i := program[pc]
		jump := func(holds bool) {
			if holds {
				pc += int(i.Jt)
			} else {
				pc += int(i.Jf)
			}
		}
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			word, ok := data[i.K]
			if !ok {
				t.Fatalf("instruction %d loads offset %d", pc, i.K)
			}
			a = word
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= i.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump(a == i.K)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			jump(a >= i.K)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			jump(a&i.K != 0)
		case unix.BPF_RET | unix.BPF_K:
			return i.K
		default:
			t.Fatalf("instruction %d has code %#x", pc, i.Code)
		}
	}
	t.Fatal("the program has no end")
	return 0
}
