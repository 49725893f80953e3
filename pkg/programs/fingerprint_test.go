package programs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// behaviour is what a runner of these tests does in mode fingerprint: the test binary, beside a file with this in it.
type behaviour struct {
	Stdout, Stderr string
	Exit           int
	Asked          string // a file that grows by a byte each time
}

const behaviourName = "behaviour"

// beRunner is the test binary as a runner.
func beRunner() int {
	var b behaviour
	text, err := os.ReadFile(behaviourName)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err == nil && b.Asked != "" {
		var f *os.File
		if f, err = os.OpenFile(b.Asked, os.O_APPEND|os.O_WRONLY, 0); err == nil {
			_, err = f.Write([]byte("."))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	fmt.Fprint(os.Stdout, b.Stdout, os.Getenv("WASMGO_RUNNER"), "\n")
	fmt.Fprint(os.Stderr, b.Stderr)
	return b.Exit
}

func newRunner(t *testing.T, b behaviour) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{runnerName: program, behaviourName: text} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFingerprintIsAskedForOnce(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	if err := os.WriteFile(asked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := newRunner(t, behaviour{Stdout: "I am ", Asked: asked})
	for _, kept := range []string{"", "", "cut off", "two\nlines\n", strings.Repeat("x", maxFingerprint) + "\n"} {
		if kept != "" {
			if err := os.WriteFile(filepath.Join(dir, fingerprintName), []byte(kept), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if f, err := Fingerprint(dir); err != nil || f != "I am fingerprint" {
			t.Fatalf("with %.20q kept: %q, %v", kept, f, err)
		}
	}
	// Not the second time, and each time that what was kept was no good.
	if b, err := os.ReadFile(asked); err != nil || string(b) != "...." {
		t.Errorf("the runner was asked %d times (%v), want 4", len(b), err)
	}
	// A development build has taken the runner's place.
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, runnerName), later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := Fingerprint(dir); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(asked); err != nil || string(b) != "....." {
		t.Errorf("the runner was asked %d times (%v), want 5", len(b), err)
	}
}

func TestFingerprintErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		b    behaviour
		want string
	}{
		{"it fails", behaviour{Exit: 3, Stderr: "no luck"}, "no luck"},
		{"it says two lines", behaviour{Stdout: "one\n"}, "want one line"},
		{"it says too much", behaviour{Stdout: strings.Repeat("x", maxFingerprint)}, "want one line"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := newRunner(t, tc.b)
			if _, err := Fingerprint(dir); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q and the directory in it", err, tc.want)
			}
			if left := listing(t, dir); len(left) != 2 {
				t.Errorf("in the directory: %q", left)
			}
		})
	}
}

func TestFingerprintOfWhatIsNoProgram(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, runnerName), []byte("\x00asm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Fingerprint(dir); err == nil {
		t.Error("no error")
	}
}
