package bench

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
)

const (
	fileTimes = 15
	fileBytes = 256 << 20
)

// fileCopy is how fast a component copies a file beside cat: both are processes of their own, in turn, that read a file of the page
// cache and write another, from fork to exit. read is the same to /dev/null, where the copy that the guest's libc makes of what it has
// read, and the start, weigh more.
func fileCopy(t *testing.T, _ *setting) {
	runner, code, dir := daemon.Runner(t), t.TempDir(), t.TempDir()
	file, err := os.ReadFile(guests.Component(t, "c_copy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Compile(runner, file, code); err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	content := make([]byte, fileBytes)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var copies, cats, reads, catReads []float64
	contenders := []func(){
		func() { cats = append(cats, fileRate(t, to, func() error { return cat(from, to) })) },
		func() {
			copies = append(copies, fileRate(t, to, func() error { return copyInGuest(runner, code, from, to) }))
		},
		func() { catReads = append(catReads, fileRate(t, "", func() error { return cat(from, os.DevNull) })) },
		func() {
			reads = append(reads, fileRate(t, "", func() error { return copyInGuest(runner, code, from, os.DevNull) }))
		},
	}
	for range fileTimes {
		for _, contend := range contenders {
			contend()
		}
		slices.Reverse(contenders) // nobody always comes after what makes the disk busy
	}
	var ratios, readRatios []float64
	for i := range copies {
		ratios, readRatios = append(ratios, copies[i]/cats[i]), append(readRatios, reads[i]/catReads[i])
	}
	record("component_file_mb_s", "MB/s", median(copies), copies)
	record("cat_file_mb_s", "MB/s", median(cats), cats)
	record("component_file_vs_cat", "x", median(copies)/median(cats), ratios)
	record("component_file_read_vs_cat", "x", median(reads)/median(catReads), readRatios)
}

// fileRate returns MB/s of a copy, whose outcome is thrown away first if there is one: truncating what the last has made is not part of
// this one.
func fileRate(t *testing.T, to string, copyFile func() error) float64 {
	t.Helper()
	if to != "" {
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if err := copyFile(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	if to != "" {
		if st, err := os.Stat(to); err != nil || st.Size() != fileBytes {
			t.Fatalf("the copy: %v", err)
		}
	}
	return fileBytes / 1e6 / took.Seconds()
}

func cat(from, to string) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.Command("cat", from)
	cmd.Stdout, cmd.Stderr = f, os.Stderr
	return cmd.Run()
}

func copyInGuest(runner, code, from, to string) error {
	p, err := direct.Start(runner, code, from, to)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Begin(); err != nil {
		return err
	}
	return p.Wait()
}
