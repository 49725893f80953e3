package beneath

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	layout{"file", "dir/", "fifo |", "link -> file"}.make(t, dir)
	sock := must(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))(t)
	defer unix.Close(sock)
	if err := unix.Bind(sock, &unix.SockaddrUnix{Name: dir + "/socket"}); err != nil {
		t.Fatal(err)
	}
	d, dev := preopen(t, dir, Options{}), preopen(t, "/dev", Options{})
	for _, tt := range []struct {
		in   *Descriptor
		name string
		want Kind
		open any // the kind of what opening gives, or its errno
	}{
		{d, "file", RegularFile, RegularFile},
		{d, "dir", Directory, Directory},
		{d, "fifo", FIFO, FIFO},
		{d, "link", SymbolicLink, unix.ELOOP},
		{d, "socket", Socket, unix.ENXIO},
		{dev, "null", CharacterDevice, CharacterDevice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, err := tt.in.StatAt(false, tt.name)
			if err != nil || st.Kind != tt.want {
				t.Errorf("is %d, %v, want %d", st.Kind, err, tt.want)
			}
			var got any
			f, err := tt.in.OpenAt(false, tt.name, 0, Read) // comes back, whatever it is
			if err != nil {
				got = errnoOf(t, err)
			} else {
				got = f.Kind()
				closed(t, f)
			}
			if got != tt.open {
				t.Errorf("opening gives %v, want %v", got, tt.open)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	dir := t.TempDir()
	layout{"file", "dir/"}.make(t, dir)
	d := preopen(t, dir, Options{})
	if d.Flags() != Read|MutateDirectory {
		t.Errorf("a preopen has %b", d.Flags())
	}
	for _, tt := range []struct {
		name       string
		path       string
		ask, want  Flags
		kernelFlag int
	}{
		{"to read", "file", Read, Read, unix.O_RDONLY},
		{"to write", "file", Write, Write, unix.O_WRONLY},
		{"to read and write", "file", Read | Write, Read | Write, unix.O_RDWR},
		{"for nothing", "file", 0, Read, unix.O_RDONLY},
		{"to write as libc asks for it", "file", Write | MutateDirectory, Write, unix.O_WRONLY},
		{"to write through to the disk", "file", Write | FileIntegritySync, Write | FileIntegritySync, unix.O_WRONLY | unix.O_SYNC},
		{"to write data through to the disk", "file", Write | DataIntegritySync, Write | DataIntegritySync, unix.O_WRONLY | unix.O_DSYNC},
		{"to read what is on the disk", "file", Read | RequestedWriteSync, Read | RequestedWriteSync, unix.O_RSYNC},
		{"a directory", "dir", Read, Read | MutateDirectory, unix.O_RDONLY},
		{"a directory to change it", "dir", Read | MutateDirectory, Read | MutateDirectory, unix.O_RDONLY},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := opened(t, d, tt.path, 0, tt.ask)
			if f.Flags() != tt.want {
				t.Errorf("has %b, want %b", f.Flags(), tt.want)
			}
			got := must(unix.FcntlInt(uintptr(f.file.fd), unix.F_GETFL, 0))(t)
			if mask := unix.O_ACCMODE | unix.O_SYNC | unix.O_DSYNC; got&mask != tt.kernelFlag&mask {
				t.Errorf("the kernel has %#x, want %#x", got&mask, tt.kernelFlag)
			}
			if fd := must(unix.FcntlInt(uintptr(f.file.fd), unix.F_GETFD, 0))(t); fd&unix.FD_CLOEXEC == 0 {
				t.Error("is inherited by other programs")
			}
		})
	}
}

// TestOpenWithoutPermission: what may not be read can be asked about, and directories be gone through. Root may read everything.
func TestOpenWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	layout{"private", "through/file"}.make(t, dir)
	for name, mode := range map[string]os.FileMode{"private": 0o200, "through": 0o311} {
		if err := os.Chmod(dir+"/"+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	eachWay(t, func(t *testing.T, walk bool) {
		if os.Geteuid() == 0 {
			asNobody(t)
		}
		d := preopen(t, dir, Options{Walk: walk})
		if _, err := d.OpenAt(true, "private", 0, Read); errnoOf(t, err) != unix.EACCES {
			t.Errorf("reading gives %v", err)
		}
		f := opened(t, d, "private", 0, 0)
		if st, err := f.Stat(); err != nil || st.Size != 7 {
			t.Errorf("is %+v, %v", st, err)
		}
		if _, err := f.Read(make([]byte, 1), 0); errnoOf(t, err) != unix.EBADF {
			t.Errorf("reading what was opened for nothing gives %v", err)
		}
		through := opened(t, d, "through", OnlyDirectory, 0)
		if got := opens(t, through, "file", true); got != "file" {
			t.Errorf("through the directory there is %v", got)
		}
		if _, err := through.ReadDirectory(); errnoOf(t, err) != unix.EACCES {
			t.Errorf("listing gives %v", err)
		}
	})
}

// asNobody gives up, for this test's thread, what of root's rights goes past permissions. The thread ends with the test.
func asNobody(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_FOWNER
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
}
