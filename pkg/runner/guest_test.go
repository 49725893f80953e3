package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
	"wasmgo/test/guests"
)

func TestGuestEnds(t *testing.T) {
	export := func(name string) option { return withGuest(func(g *handover.Guest) { g.Export = name }) }
	for name, c := range map[string]struct {
		guest   string
		options []option
		code    int
		stdout  string
		stderr  []string // parts, in this order
	}{
		"a Go guest prints and returns":                {guest: "hello", stdout: "hello from wasm\n"},
		"a C guest prints its arguments":               {guest: "args", options: []option{withArgs("a", "", "ü b")}, stdout: "args.wasm\na\n\nü b\n"},
		"exit 0":                                       {guest: "exit_code", options: []option{withArgs("0")}},
		"exit 1":                                       {guest: "exit_code", options: []option{withArgs("1")}, code: 1},
		"exit 125, the last WASI 0.1 is sure of":       {guest: "exit_code", options: []option{withArgs("125")}, code: 125},
		"exit 126, which Wasmtime refuses":             {guest: "exit_code", options: []option{withArgs("126")}, code: 126},
		"exit 255":                                     {guest: "exit_code", options: []option{withArgs("255")}, code: 255},
		"exit 256 is 0, as on Linux":                   {guest: "exit_code", options: []option{withArgs("256")}},
		"exit -1 is 255, as on Linux":                  {guest: "exit_code", options: []option{withArgs("-1")}, code: 255},
		"a code returned from main":                    {guest: "exit_code", options: []option{withArgs("7", "return")}, code: 7},
		"a Go guest's exit code":                       {guest: "tool", options: []option{withArgs("exit", "9")}, code: 9},
		"a Go guest's panic is its own business":       {guest: "tool", options: []option{withArgs("panic", "oh no")}, code: 2, stderr: []string{"panic: oh no", "main.do"}},
		"unreachable":                                  {guest: "trap", code: 134, stderr: []string{"wasmgo: /trap.wasm: ", "inner", "middle", "outer", "start", "unreachable"}},
		"a load out of bounds":                         {guest: "trap", options: []option{withArgs("1")}, code: 134, stderr: []string{"inner", "out of bounds memory access"}},
		"a division by zero":                           {guest: "trap", options: []option{withArgs("1", "2")}, code: 134, stderr: []string{"inner", "integer divide by zero"}},
		"a call of a null table entry":                 {guest: "trap", options: []option{withArgs("1", "2", "3")}, code: 134, stderr: []string{"inner", "uninitialized element"}},
		"a trap with debug information names lines":    {guest: "trap_dwarf", code: 134, stderr: []string{"divide", "trap_dwarf.c:4:", "prepare", "trap_dwarf.c:8:", "trap_dwarf.c:12:", "integer divide by zero"}},
		"endless recursion":                            {guest: "recurse", code: 134, stderr: []string{"deeper", "call stack exhausted"}},
		"a reactor is initialized before its export":   {guest: "reactor", options: []option{export("serve")}, stdout: "initialized, then served\n"},
		"_initialize by name is called once, alone":    {guest: "reactor", options: []option{export("_initialize")}},
		"an export instead of _start":                  {guest: "exports", options: []option{export("other")}, stdout: "other\n"},
		"an export that exits":                         {guest: "exports", options: []option{export("seven")}, code: 7},
		"_start by default":                            {guest: "exports", stdout: "start\n"},
		"an export of a module without _start":         {guest: "no_start", options: []option{export("run")}},
		"too large a memory for the limit":             {guest: "big_memory", options: []option{withGuest(func(g *handover.Guest) { g.MemoryLimit = 16 << 20 })}, code: 126, stderr: []string{"/big_memory.wasm cannot be started", "memory limit", "1024 pages"}},
		"a shared memory":                              {guest: "shared_memory", code: 126, stderr: []string{"/shared_memory.wasm cannot be started", "shared memory"}},
		"memory that fits the limit":                   {guest: "big_memory", options: []option{withGuest(func(g *handover.Guest) { g.MemoryLimit = 128 << 20 })}},
		"memory.grow fails at the limit":               {guest: "grow", options: []option{withGuest(func(g *handover.Guest) { g.MemoryLimit = 64 << 20 })}, code: 14, stdout: "..."},
		"a Go guest under the smallest limit of all":   {guest: "hello", options: []option{withGuest(func(g *handover.Guest) { g.MemoryLimit = 6 << 20 })}, stdout: "hello from wasm\n"},
		"a Go guest out of memory ends by itself":      {guest: "tool", options: []option{withArgs("grow"), withGuest(func(g *handover.Guest) { g.MemoryLimit = 16 << 20 })}, code: 2, stderr: []string{"out of memory"}},
		"10 MB of environment in a thousand variables": {guest: "env", options: []option{withArgs("V999"), withGuest(func(g *handover.Guest) { g.Env = manyVariables(1000, 10_000) })}, stdout: strings.Repeat("x", 10_000) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spawn(t, c.guest, c.options...)
			if s.ready.Refusal != nil {
				t.Fatalf("refused: %s", s.ready.Refusal.Message)
			}
			code, stdout := s.run()
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.HasPrefix(stdout, c.stdout) || c.stdout == "" && stdout != "" && c.stderr == nil {
				t.Errorf("standard output %q, want %q", stdout, c.stdout)
			}
			inOrder(t, s.stderr.String(), c.stderr)
			if c.stderr == nil && s.stderr.Len() > 0 {
				t.Errorf("standard error %q, want nothing", s.stderr.String())
			}
		})
	}
}

// inOrder checks that all parts occur in text, one after the other.
func inOrder(t testing.TB, text string, parts []string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Errorf("%q misses %q, or has it too early", text, p)
			return
		}
		rest = after
	}
}

func manyVariables(n, size int) []string {
	var env []string
	for i := range n {
		env = append(env, "V"+string([]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)})+"="+strings.Repeat("x", size))
	}
	return env
}

func TestGuestIsRefused(t *testing.T) {
	export := func(name string) option { return withGuest(func(g *handover.Guest) { g.Export = name }) }
	for name, c := range map[string]struct {
		guest   string
		options []option
		message []string
	}{
		"no _start":                     {"no_start", nil, []string{"/no_start.wasm has no _start", "add (func (param i32 i32) (result i32))", "run (func)", "/no_start.wasm#run"}},
		"no such export":                {"exports", []option{export("nothing")}, []string{"/exports.wasm has no export \"nothing\"", "#_start", "#other", "#seven"}},
		"an export that is no function": {"exports", []option{export("not_a_function")}, []string{"\"not_a_function\" is no function but (global i32)"}},
		"an export with a result":       {"exports", []option{export("answer")}, []string{"\"answer\" is (func (result i32))", "without parameters and results"}},
		"an export with parameters":     {"exports", []option{export("add")}, []string{"(func (param i32 i64) (result f64))"}},
		"an import under another type":  {"wrong_import", nil, []string{"/wrong_import.wasm", "wasi_snapshot_preview1::fd_write", "(param i64)"}},
		"imports nobody provides": {"unknown_import", nil, []string{
			"/unknown_import.wasm imports", "env::print (func (param i32 i64) (result f32))", "env::memory (memory 1 2)", "host::base (global i32)",
			"wasi:cli/stdout@0.2.0::get-stdout (func (result i32))", "component",
		}},
		"a refusal of the shim's is passed on": {"hello", []option{withGuest(func(g *handover.Guest) {
			g.Refusal = &handover.Refusal{Code: handover.CodeNotRunnable, Message: "no such thing"}
		})}, []string{"no such thing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spawn(t, c.guest, c.options...)
			if s.ready.Refusal == nil {
				t.Fatal("not refused")
			}
			inOrder(t, s.ready.Refusal.Message, c.message)
			if strings.TrimSpace(s.ready.Refusal.Message) != s.ready.Refusal.Message {
				t.Errorf("%q has space at its ends", s.ready.Refusal.Message)
			}
			code, _ := s.run()
			if code != handover.CodeNotRunnable {
				t.Errorf("exit code %d, want %d", code, handover.CodeNotRunnable)
			}
			if got, want := s.stderr.String(), "wasmgo: "+s.ready.Refusal.Message+"\n"; got != want {
				t.Errorf("standard error %q, want %q", got, want)
			}
		})
	}
}

func TestRefusalNeedsNoCode(t *testing.T) {
	s := launch(t, "", "missing", withGuest(func(g *handover.Guest) {
		g.Refusal = &handover.Refusal{Code: handover.CodeNotFound, Message: "/missing.wasm is not there"}
	}))
	s.receive()
	if code, _ := s.run(); code != handover.CodeNotFound {
		t.Errorf("exit code %d, want %d", code, handover.CodeNotFound)
	}
}

func TestShimGoesAwayBeforeBegin(t *testing.T) {
	s := spawn(t, "hello")
	s.shim.Close()
	code, stdout := s.wait()
	if code != codeInternal || stdout != "" || s.stderr.Len() != 0 {
		t.Errorf("exit code %d, output %q and %q; want %d and nothing", code, stdout, s.stderr.String(), codeInternal)
	}
}

func TestResourceLimits(t *testing.T) {
	for name, c := range map[string]struct {
		guest    string
		resource int
		limit    uint64
		code     int
		stderr   []string
	}{
		"the guest's stack does not depend on the process's": {"recurse", unix.RLIMIT_STACK, 128 << 10, 134, []string{"call stack exhausted"}},
		"too few addresses are told as such":                 {"idle", unix.RLIMIT_AS, 4 << 30, 126, []string{"/idle.wasm cannot be started", "reserve"}},
		"few descriptors are enough":                         {"hello", unix.RLIMIT_NOFILE, 16, 0, nil},
		"no core is needed":                                  {"trap", unix.RLIMIT_CORE, 0, 134, []string{"unreachable"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := spawn(t, c.guest, withRlimit(c.resource, c.limit))
			code, _ := s.run()
			if code != c.code {
				t.Errorf("exit code %d, want %d; standard error: %s", code, c.code, s.stderr.String())
			}
			inOrder(t, s.stderr.String(), c.stderr)
		})
	}
}

// withRlimit starts the runner by way of a shell that lowers a limit.
func withRlimit(resource int, limit uint64) option {
	flags := map[int]string{unix.RLIMIT_STACK: "-s", unix.RLIMIT_AS: "-v", unix.RLIMIT_NOFILE: "-n", unix.RLIMIT_CORE: "-c"}
	value := limit
	if resource == unix.RLIMIT_STACK || resource == unix.RLIMIT_AS {
		value >>= 10
	}
	return func(_ *handover.Guest, cmd *exec.Cmd) {
		cmd.Args = []string{"sh", "-c", fmt.Sprintf(`ulimit %s %d && exec "$0"`, flags[resource], value), cmd.Path}
		cmd.Path = "/bin/sh"
	}
}

func TestFailuresAreTold(t *testing.T) {
	module := codeDir(t, guests.Bytes(t, "args"))
	t.Run("a working directory that is gone", func(t *testing.T) {
		launch(t, module, "args", withCwd("/no/such/directory")).fails("chdir /no/such/directory", "no such file")
	})
	t.Run("an argument that cannot be handed over", func(t *testing.T) {
		launch(t, module, "args", withArgs("a\x00b")).fails("a\\x00b", "NUL")
	})
	t.Run("no code", func(t *testing.T) {
		launch(t, t.TempDir(), "args").fails("load compiled code", "No such file")
	})
	t.Run("no directory with code", func(t *testing.T) {
		launch(t, "", "args").fails("directory with compiled code")
	})
}

func TestDamagedCodeIsNoTrap(t *testing.T) {
	dir := codeDir(t, guests.Bytes(t, "args"))
	path := filepath.Join(dir, handover.CodeName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string][]byte{"empty": nil, "half": whole[:len(whole)/2], "not code": []byte(strings.Repeat("x", 4096))} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, handover.CodeName), code, 0o444); err != nil {
				t.Fatal(err)
			}
			launch(t, dir, "args").fails("load compiled code: ")
		})
	}
}
