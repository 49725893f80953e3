package sandbox

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/sandbox/cgroup"
)

func TestRecordIsReadAsWritten(t *testing.T) {
	bundle := t.TempDir()
	want := &record{
		Version: recordVersion, Namespace: "n", ID: "i", CgroupPath: "/a", OCIVersion: "1.3.0", Annotations: map[string]string{"a": "b"},
		Poststop: []specs.Hook{{Path: "/bin/true"}}, bundle: bundle,
	}
	if _, err := readRecord(bundle); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v, want fs.ErrNotExist", err)
	}
	compare := func() {
		got, err := readRecord(bundle)
		if err != nil {
			t.Fatal(err)
		}
		file := want.file
		want.file = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		want.file = file
	}
	if err := want.create(); err != nil {
		t.Fatal(err)
	}
	compare()
	want.birth = birth{Cgroup: &cgroup.State{Path: "/a"}, Pid: 7, Started: 9}
	if err := want.born(); err != nil {
		t.Fatal(err)
	}
	compare()
	for range 2 {
		if err := want.remove(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(bundle); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

func TestReclaimRefusesADamagedRecord(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":          "x",
		"a bad birth":      `{"version":1,"id":"a","cgroupPath":"/a"}` + "\n" + `{"pid":"x"}`,
		"another version":  `{"version":2,"id":"a","cgroupPath":"/a"}`,
		"no group":         `{"version":1,"id":"a"}`,
		"a pid below zero": `{"version":1,"id":"a","cgroupPath":"/a","pid":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			bundle := t.TempDir()
			if err := os.WriteFile(filepath.Join(bundle, recordName), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Reclaim(t.Context(), bundle); !errors.Is(err, errRecord) {
				t.Errorf("got %v, want %v", err, errRecord)
			}
		})
	}
}

func TestRecordThatWasCutOff(t *testing.T) {
	const first = `{"version":1,"id":"a","cgroupPath":"/a"}`
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"before its first byte":  {"", fs.ErrNotExist},
		"in the first line":      {first, fs.ErrNotExist},
		"before the second line": {first + "\n", nil},
		"in the second line":     {first + "\n" + `{"pid":7`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := parseRecord([]byte(c.text))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && (r.ID != "a" || r.Pid != 0) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"id":"a","cgroupPath":"/a"}` + "\n" + `{"pid":1,"cgroup":{"path":"/a"}}` + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := parseRecord(in)
		if err != nil {
			if !errors.Is(err, errRecord) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v is not %v", err, errRecord)
			}
			return
		}
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseRecord(append(body, '\n')); err != nil {
			t.Errorf("%s became %s: %v", in, body, err)
		}
	})
}

func TestStartTime(t *testing.T) {
	for name, c := range map[string]struct {
		stat string
		want uint64
	}{
		"an ordinary name":    {"12 (sh) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 4711},
		"brackets and spaces": {"12 (a) S 1) (b) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4712 1 1", 4712},
		"too short":           {"12 (sh) S 1", 0},
		"nothing":             {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStartTime([]byte(c.stat))
			if got != c.want || (err == nil) != (c.want != 0) {
				t.Errorf("got %d %v, want %d", got, err, c.want)
			}
		})
	}
	if a, err := StartTime(os.Getpid()); err != nil || a == 0 {
		t.Errorf("own start: %d %v", a, err)
	}
}

func FuzzStartTime(f *testing.F) {
	f.Add([]byte("12 (a) S 1) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4712 1 1"))
	f.Fuzz(func(t *testing.T, in []byte) { _, _ = parseStartTime(in) })
}
