package beneath

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuseVariable makes TestWithoutOpenat2 the child that does without.
const refuseVariable = "WASMGO_TEST_REFUSE_OPENAT2"

// TestWithoutOpenat2: where a seccomp filter answers openat2(2) with what old profiles do, paths lead where they lead with it. The filter
// is for good, so that it is another process's.
func TestWithoutOpenat2(t *testing.T) {
	if number := os.Getenv(refuseVariable); number != "" {
		refuse(t, must(strconv.Atoi(number))(t))
		dir := t.TempDir()
		tree.make(t, dir)
		d := preopen(t, dir+"/top", Options{})
		if !d.walks {
			t.Error("thinks that there is an openat2")
		}
		for _, tt := range resolutions {
			if got := opens(t, d, tt.path, !tt.nofollow); got != tt.want {
				t.Errorf("%s gives %v, want %v", tt.name, got, tt.want)
			}
		}
		return
	}
	for name, errno := range map[string]unix.Errno{"no such call": unix.ENOSYS, "not permitted": unix.EPERM} {
		t.Run(name, func(t *testing.T) {
			child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestWithoutOpenat2$")
			child.Env = append(os.Environ(), refuseVariable+"="+strconv.Itoa(int(errno)))
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// refuse has the kernel answer openat2(2) with an errno from now on.
func refuse(t *testing.T, errno int) {
	t.Helper()
	const number = 0 // of the call: its offset in struct seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_OPENAT2},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	_, _, failure := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if failure != 0 {
		t.Fatal(failure)
	}
}
