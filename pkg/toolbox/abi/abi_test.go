package abi

import (
	"errors"
	"testing"
)

func TestMessages(t *testing.T) {
	stat := Stat{Dev: 1, Ino: 2, Mode: 3, Links: 4, UID: 5, GID: 6, Rdev: 7, Size: 8, BlockSize: 9, Blocks: 10, Accessed: 11, Modified: 12, Changed: 13}
	statfs := StatFS{Type: 1, BlockSize: 2, Blocks: 3, Free: 4, Available: 5, Files: 6, FilesFree: 7}
	process := Process{PID: 1, CPU: 2, Command: "/app.wasm x"}
	m := process.Append(statfs.Append(stat.Append(Message(nil).Uint(7).String("text"))))
	r := NewReader(m)
	if n, s := r.Uint(), r.String(); n != 7 || s != "text" {
		t.Errorf("got %d and %q", n, s)
	}
	var gotStat Stat
	var gotFS StatFS
	var gotProcess Process
	gotStat.Read(r)
	gotFS.Read(r)
	gotProcess.Read(r)
	if gotStat != stat || gotFS != statfs || gotProcess != process || r.Err() != nil {
		t.Errorf("got %+v, %+v, %+v, %v", gotStat, gotFS, gotProcess, r.Err())
	}
	if n := r.Uint(); n != 0 || !errors.Is(r.Err(), ErrMessage) {
		t.Errorf("past the end: %d, %v", n, r.Err())
	}
}

// FuzzReader: whatever a message is, what is read of it is no more than there is.
func FuzzReader(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(Message(nil).Uint(1).String("a")))
	f.Add([]byte(Message(nil).Uint(1 << 63)))
	f.Fuzz(func(t *testing.T, m []byte) {
		r := NewReader(m)
		if n := r.Count(8); n > len(m)/8 {
			t.Errorf("%d things in %d bytes", n, len(m))
		}
		if s := r.String(); len(s) > len(m) {
			t.Errorf("a string of %d bytes in %d", len(s), len(m))
		}
		var p Process
		for r.Err() == nil {
			p.Read(r)
		}
		if r.Uint() != 0 || r.String() != "" {
			t.Error("something is read after an error")
		}
	})
}
