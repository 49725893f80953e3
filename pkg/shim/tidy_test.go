package shim

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const someMaps = `00400000-0079e000 r-xp 00000000 fe:00 10608832                           /usr/bin/shim
0079e000-013d2000 r--p 0039e000 fe:00 10608832                           /usr/bin/shim
013d2000-01406000 rw-p 00fd2000 fe:00 10608832                           /usr/bin/shim
01406000-03444000 rw-p 00000000 00:00 0 
7fde00000000-7fde00001000 r--p 00000000 fe:00 7                          /usr/share/some file (deleted)
7ffd0b5e5000-7ffd0b606000 rw-p 00000000 00:00 0                          [stack]
`

func TestProgramRanges(t *testing.T) {
	got, err := programRanges(strings.NewReader(someMaps), 0x401000)
	want := []addresses{{0x400000, 0x79e000}, {0x79e000, 0x13d2000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	if got, err := programRanges(strings.NewReader(someMaps), 0x1); err != nil || len(got) != 0 {
		t.Errorf("code that is nowhere: %x, %v", got, err)
	}
	if _, err := programRanges(strings.NewReader("nonsense\n"), 0x401000); err == nil {
		t.Error("took nonsense for a mapping")
	}
}

// TestGiveBack gives this very program's pages back, and goes on.
func TestGiveBack(t *testing.T) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	ranges, err := programRanges(maps, reflect.ValueOf(giveBack).Pointer())
	if err != nil || len(ranges) == 0 {
		t.Fatalf("this program's mappings: %x, %v", ranges, err)
	}
	if err := dropProgram(); err != nil {
		t.Error(err)
	}
	giveBack()
}

func FuzzProgramRanges(f *testing.F) {
	f.Add(someMaps, uint64(0x401000))
	f.Fuzz(func(t *testing.T, maps string, pc uint64) {
		ranges, err := programRanges(strings.NewReader(maps), uintptr(pc))
		for _, r := range ranges {
			if r.end < r.start {
				t.Errorf("%x of %q, %v", r, maps, err)
			}
		}
	})
}
