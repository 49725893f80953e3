package cgroup

import (
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkFloor is what Create and Remove cannot be faster than: the system calls alone that make the directories and remove
// them.
func BenchmarkFloor(b *testing.B) {
	g := newGroup(b, nil)
	remove(b, g)
	make := func(b *testing.B) {
		for _, dir := range g.dirs() {
			if err := unix.Mkdir(dir, 0o755); err != nil {
				b.Fatal(err)
			}
		}
	}
	unmake := func(b *testing.B) {
		for _, dir := range g.dirs() {
			if err := unix.Rmdir(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("mkdir", func(b *testing.B) {
		for b.Loop() {
			make(b)
			b.StopTimer()
			unmake(b)
			b.StartTimer()
		}
	})
	b.Run("rmdir", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			make(b)
			b.StartTimer()
			unmake(b)
		}
	})
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

// BenchmarkAdd moves a process that runs already.
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

// BenchmarkAddThread has a new thread go ahead, the thread's making included.
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
