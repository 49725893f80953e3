package runner

import (
	"encoding/json"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	seccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

var nativeArch = map[string]specs.Arch{"amd64": specs.ArchX86_64, "arm64": specs.ArchAARCH64}[runtime.GOARCH]

func TestProfileInTheKernel(t *testing.T) { runInside(t, "profile") }

func TestProfileIsRefused(t *testing.T) {
	many := uint(5000)
	call := func(s specs.LinuxSyscall) specs.LinuxSeccomp {
		return specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActErrno}, s}}
	}
	for name, c := range map[string]struct {
		profile specs.LinuxSeccomp
		want    []string
	}{
		"no default action":               {specs.LinuxSeccomp{}, []string{"defaultAction", `""`}},
		"an unknown action":               {specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_MAYBE"}, []string{"defaultAction", "SCMP_ACT_MAYBE"}},
		"notify by default":               {specs.LinuxSeccomp{DefaultAction: specs.ActNotify}, []string{"defaultAction", "SCMP_ACT_NOTIFY", "not supported"}},
		"a listener":                      {specs.LinuxSeccomp{DefaultAction: specs.ActAllow, ListenerPath: "/x"}, []string{"listenerPath", "not supported"}},
		"an unknown flag":                 {specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{"FAST"}}, []string{"flags", "FAST"}},
		"an unknown architecture":         {specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{"SCMP_ARCH_Z80"}}, []string{"architectures", "Z80"}},
		"an architecture by another name": {specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Architectures: []specs.Arch{"x86_64"}}, []string{"architectures", "x86_64"}},
		"an errno too large":              {specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &many}, []string{"defaultAction", "5000"}},
		"a call without names":            {call(specs.LinuxSyscall{Action: specs.ActErrno}), []string{"syscalls[1]", "no names"}},
		"a call to be notified":           {call(specs.LinuxSyscall{Names: []string{"bind"}, Action: specs.ActNotify}), []string{"syscalls[1]", "bind", "SCMP_ACT_NOTIFY"}},
		"an unknown operator": {
			call(specs.LinuxSyscall{Names: []string{"bind"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Op: "SCMP_CMP_ISH"}}}),
			[]string{"syscalls[1]", "args[0]", "ISH"},
		},
		"a seventh argument": {
			call(specs.LinuxSyscall{Names: []string{"bind"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Index: 6, Op: specs.OpEqualTo}}}),
			[]string{"syscalls[1]", "args[0]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := translate(&c.profile)
			if err == nil {
				f.Release()
				t.Fatal("translated")
			}
			inOrder(t, err.Error(), c.want)
		})
	}
}

func TestOldProfilesAdmitThreads(t *testing.T) {
	enosys := uint(unix.ENOSYS)
	for name, c := range map[string]struct {
		profile specs.LinuxSeccomp
		want    uint32
	}{
		"one that does not know clone3": {specs.LinuxSeccomp{DefaultAction: specs.ActErrno}, answer(unix.ENOSYS)},
		"one that allows it": {specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Syscalls: []specs.LinuxSyscall{
			{Names: []string{"clone3"}, Action: specs.ActAllow},
		}}, unix.SECCOMP_RET_ALLOW},
		"one that answers ENOSYS to all": {specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &enosys}, answer(unix.ENOSYS)},
		"one that kills":                 {specs.LinuxSeccomp{DefaultAction: specs.ActKill}, unix.SECCOMP_RET_KILL_PROCESS},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := translate(&c.profile)
			if err != nil {
				t.Fatal(err)
			}
			program, err := exported(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := evaluate(t, instructions(program), unix.SYS_CLONE3, auditArch, 0); got != c.want {
				t.Errorf("clone3: %#x, want %#x", got, c.want)
			}
		})
	}
}

func TestSeccompMode(t *testing.T) {
	for name, c := range map[string]struct {
		in      string
		code    int
		message []string
	}{
		"a profile":    {`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdirat"],"action":"SCMP_ACT_ERRNO"}]}`, workDone, nil},
		"no JSON":      {`{"defaultAction":`, inputFault, []string{"decode the profile"}},
		"a wrong type": {`{"defaultAction":1}`, inputFault, []string{"decode the profile", "defaultAction"}},
		"no profile":   {`{"defaultAction":"SCMP_ACT_NO"}`, inputFault, []string{"SCMP_ACT_NO"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, message := mode(t, "seccomp", []byte(c.in))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			inOrder(t, string(message), c.message)
			if c.code != workDone {
				if len(out) > 0 {
					t.Errorf("%d bytes of output", len(out))
				}
				return
			}
			for number, want := range map[uint32]uint32{unix.SYS_MKDIRAT: answer(unix.EPERM), unix.SYS_READ: unix.SECCOMP_RET_ALLOW} {
				if got := evaluate(t, instructions(out), number, auditArch, 0); got != want {
					t.Errorf("call %d: %#x, want %#x", number, got, want)
				}
			}
		})
	}
}

func FuzzProfile(f *testing.F) {
	f.Add(`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`)
	f.Add(`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["dup3"],"action":"SCMP_ACT_ERRNO","errnoRet":2,"args":[{"index":0,"value":1,"valueTwo":2,"op":"SCMP_CMP_MASKED_EQ"},{"index":0,"value":3,"op":"SCMP_CMP_GE"}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var p specs.LinuxSeccomp
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		filter, err := translate(&p)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("refused without a word")
			}
			return
		}
		program, err := exported(filter)
		if err != nil {
			t.Fatal(err)
		}
		if len(program) == 0 || len(program)%instruction != 0 {
			t.Errorf("a program of %d bytes", len(program))
		}
	})
}

// exported is a filter's program; it releases the filter.
func exported(filter *seccomp.ScmpFilter) ([]byte, error) {
	defer filter.Release()
	f, err := os.CreateTemp("", "seccomp")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := filter.ExportBPF(f); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// instructions reads a program as it lies in memory.
func instructions(program []byte) []unix.SockFilter {
	var out []unix.SockFilter
	for p := program; len(p) >= instruction; p = p[instruction:] {
		out = append(out, unix.SockFilter{
			Code: uint16(p[0]) | uint16(p[1])<<8, Jt: p[2], Jf: p[3],
			K: uint32(p[4]) | uint32(p[5])<<8 | uint32(p[6])<<16 | uint32(p[7])<<24,
		})
	}
	return out
}
