package cgroup

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkMkdirRmdir is the floor under Create and Remove: nothing but the system calls that make and remove the
// directories.
func BenchmarkMkdirRmdir(b *testing.B) {
	g := newGroup(b, nil)
	remove(b, g)
	for b.Loop() {
		for _, dir := range g.dirs() {
			if err := unix.Mkdir(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		for _, dir := range g.dirs() {
			if err := unix.Rmdir(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkMkdirRmdirEach(b *testing.B) {
	g := newGroup(b, nil)
	remove(b, g)
	for name, dir := range g.state.Paths {
		b.Run(filepath.Base(name)+"/mkdir", func(b *testing.B) {
			for b.Loop() {
				if err := unix.Mkdir(dir, 0o755); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				unix.Rmdir(dir)
				b.StartTimer()
			}
		})
		b.Run(filepath.Base(name)+"/rmdir", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				unix.Mkdir(dir, 0o755)
				b.StartTimer()
				if err := unix.Rmdir(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCreate(b *testing.B) {
	needRoot(b)
	for b.Loop() {
		g, err := Create(Config{Path: testPath()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := g.Remove(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkRemove(b *testing.B) {
	needRoot(b)
	for b.Loop() {
		b.StopTimer()
		g, err := Create(Config{Path: testPath()})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := g.Remove(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	g := newGroup(b, nil)
	for b.Loop() {
		b.StopTimer()
		cmd := exec.Command("sleep", "100")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := g.Add(cmd.Process.Pid); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b.StartTimer()
	}
}

func BenchmarkAddThread(b *testing.B) {
	g := newGroup(b, nil)
	for b.Loop() {
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			done <- g.AddThread(unix.Gettid())
		}()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStats(b *testing.B) {
	g := newGroup(b, nil)
	if err := g.Add(sleeper(b).Process.Pid); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.Stats(); err != nil {
			b.Fatal(err)
		}
	}
}

var _ = os.Getpid
