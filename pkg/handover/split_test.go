package handover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

func TestSplitComesBack(t *testing.T) {
	for name, modules := range map[string][][]byte{
		"no modules":        nil,
		"an empty module":   {{}},
		"several of them":   {[]byte("one"), []byte("two"), []byte("three")},
		"as many as may be": make([][]byte, MaxParts-1),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteSplit(&b, NeedsHTTP, []byte("skeleton"), modules); err != nil {
				t.Fatal(err)
			}
			s, err := ReadSplit(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, s.Skeleton); string(got) != "skeleton" {
				t.Errorf("skeleton %q", got)
			}
			if len(s.Modules) != len(modules) {
				t.Fatalf("%d modules, want %d", len(s.Modules), len(modules))
			}
			for i, m := range s.Modules {
				if got := read(t, m); !bytes.Equal(got, modules[i]) {
					t.Errorf("module %d is %q, want %q", i, got, modules[i])
				}
			}
		})
	}
}

func TestSplitIsBounded(t *testing.T) {
	if err := WriteSplit(io.Discard, 0, nil, make([][]byte, MaxParts)); !errors.Is(err, errTooLarge) {
		t.Errorf("error %v", err)
	}
}

// split is a file of parts that may be wrong in any way.
func split(parts uint32, sizes ...uint64) []byte {
	b := binary.BigEndian.AppendUint32(append([]byte(SplitMagic), 0), parts)
	for _, s := range sizes {
		b = binary.BigEndian.AppendUint64(b, s)
	}
	return b
}

func TestWrongSplits(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                  nil,
		"half a head":              []byte(SplitMagic),
		"another magic":            bytes.Replace(split(1, 0), []byte("wasmgo"), []byte("WASMGO"), 1),
		"an unknown need":          bytes.Replace(split(1, 0), append([]byte(SplitMagic), 0), append([]byte(SplitMagic), byte(needsAll+1)), 1),
		"no parts":                 split(0),
		"too many parts":           append(split(MaxParts+1), make([]byte, 8*(MaxParts+1))...),
		"sizes that are cut off":   split(2, 0),
		"a part that is cut off":   append(split(1, 3), "ab"...),
		"a part beyond all bounds": split(1, 1<<63),
		"parts that overflow":      split(2, 1<<63, 1<<63),
		"bytes that follow":        append(split(1, 1), "ab"...),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadSplit(bytes.NewReader(b), int64(len(b))); !errors.Is(err, errSplit) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzSplit: whatever a worker has written, the parts lie in it.
func FuzzSplit(f *testing.F) {
	f.Add(append(split(2, 1, 2), "abc"...))
	f.Add(split(1, 1<<63))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSplit(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var all []byte
		for _, part := range append([]*io.SectionReader{s.Skeleton}, s.Modules...) {
			all = append(all, read(t, part)...)
		}
		if !bytes.HasSuffix(b, all) {
			t.Error("the parts are not the end of the file")
		}
	})
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
