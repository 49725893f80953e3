package native

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// journal is the FIFO into which runc's shim writes its log, as it expects to find one in its working directory. The lines go on to this
// process's own log, which never makes anybody wait: a full log of a containerd that is away must not stop containers.
type journal struct {
	file *os.File // open for both, so that it never ends
	done chan struct{}

	mu   sync.Mutex
	tail []byte // the last of what was written
}

// maxTail is how much of the log is kept for an error message, in bytes.
const maxTail = 512

func openJournal(path string) (*journal, error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	j := &journal{file: os.NewFile(uintptr(fd), path), done: make(chan struct{})}
	go j.copy()
	return j, nil
}

// writer opens another end for what is started with it.
func (j *journal) writer() (*os.File, error) {
	return os.OpenFile(j.file.Name(), os.O_WRONLY, 0)
}

// copy ends with close.
func (j *journal) copy() {
	defer close(j.done)
	buf := make([]byte, 4096)
	for {
		n, err := j.file.Read(buf)
		if err != nil {
			break
		}
		j.note(buf[:n])
	}
	// The last words of a shim that has died may still be there.
	conn, err := j.file.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		for {
			n, err := unix.Read(int(fd), buf)
			if err != nil || n == 0 {
				return
			}
			j.note(buf[:n])
		}
	})
}

func (j *journal) note(text []byte) {
	_, _ = unix.Write(unix.Stderr, text) // containerd's FIFO, which does not block: what it does not hold is dropped
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tail = append(j.tail, text...)
	j.tail = j.tail[max(0, len(j.tail)-maxTail):]
}

// last is the last line, "" if there was none.
func (j *journal) last() string {
	if j == nil {
		return ""
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	text := strings.TrimSpace(string(j.tail))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// close ends the copying and waits for it.
func (j *journal) close() {
	if j == nil {
		return
	}
	_ = j.file.SetReadDeadline(time.Unix(1, 0))
	<-j.done
	_ = j.file.Close()
}
