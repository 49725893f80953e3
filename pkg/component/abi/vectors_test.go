package abi

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wasmgo/pkg/component/types"
)

// A vector is a line of testdata/vectors.jsonl; vectors.py says how they are made.
type vector struct {
	Type     json.RawMessage
	Vals     []string
	Memory   string
	Encoding string
	Size     [2]uint32
	Align    [2]uint32
	Flat     [2][]string
	Lifted   *string
	Lower    *struct {
		Encoding string
		Room     int
		Vals     []string
		Memory   string
		Reallocs [][4]uint32
	}
}

var encodings = map[string]Encoding{"utf8": UTF8, "utf16": UTF16, "latin1+utf16": Latin1UTF16}

func vectors(t testing.TB) []vector {
	t.Helper()
	f, err := os.Open("testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var vs []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return vs
}

func made[T types.Value](t testing.TB, v T) T {
	t.Helper()
	v, err := types.New(v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// parseType reads a type as vectors.py writes it; nil for null.
func parseType(t testing.TB, raw json.RawMessage) types.Value {
	t.Helper()
	var name string
	if json.Unmarshal(raw, &name) == nil && name != "" {
		for p := types.Bool; p <= types.ErrorContext; p++ {
			if p.String() == name {
				return p
			}
		}
		t.Fatalf("unknown type %q", name)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		t.Fatal(err)
	}
	if parts == nil {
		return nil
	}
	name = strings.Trim(string(parts[0]), `"`)
	number := func(i int) int {
		n, err := strconv.Atoi(string(parts[i]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sub := func(i int) types.Value { return parseType(t, parts[i]) }
	var subs []types.Value
	var fields []types.Field
	if name == "record" || name == "tuple" || name == "variant" {
		for i := range parts[1:] {
			subs = append(subs, sub(i+1))
			fields = append(fields, types.Field{Label: fmt.Sprint("l", i), Type: subs[i]})
		}
	}
	switch name {
	case "list":
		if len(parts) == 3 {
			return made(t, &types.List{Elem: sub(1), Fixed: true, Len: uint32(number(2))})
		}
		return made(t, &types.List{Elem: sub(1)})
	case "record":
		return made(t, &types.Record{Fields: fields})
	case "tuple":
		return made(t, &types.Tuple{Types: subs})
	case "variant":
		return made(t, &types.Variant{Cases: fields})
	case "enum":
		return made(t, &types.Enum{Labels: make([]string, number(1))})
	case "flags":
		return made(t, &types.Flags{Labels: make([]string, number(1))})
	case "option":
		return made(t, &types.Option{Some: sub(1)})
	case "result":
		return made(t, &types.Result{OK: sub(1), Err: sub(2)})
	case "map":
		return made(t, &types.Map{Key: sub(1), Value: sub(2)})
	}
	t.Fatalf("unknown type %q", name)
	return nil
}

// text writes a value as vectors.py does.
func text(v Value) string {
	join := func(open, end string, vs []Value) string {
		words := make([]string, len(vs))
		for i, v := range vs {
			words[i] = text(v)
		}
		return open + strings.Join(words, ",") + end
	}
	switch v := v.(type) {
	case float32:
		return fmt.Sprintf("f32:%08x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("f64:%016x", math.Float64bits(v))
	case Char:
		return fmt.Sprintf("U+%04X", v)
	case String:
		return jsonASCII(v.String())
	case List:
		return join("[", "]", v)
	case Bytes:
		return strings.ReplaceAll(fmt.Sprint([]byte(v)), " ", ",")
	case Record:
		return join("{", "}", v)
	case Flags:
		return fmt.Sprintf("flags:%x", uint32(v))
	case Variant:
		if v.Payload == nil {
			return fmt.Sprint(v.Case)
		}
		return fmt.Sprintf("%d(%s)", v.Case, text(v.Payload))
	}
	return fmt.Sprint(v)
}

// jsonASCII is Python's json.dumps of a string.
func jsonASCII(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch short, ok := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}[r]; {
		case ok:
			b.WriteString(short)
		case r >= 0x20 && r < 0x7f:
			b.WriteRune(r)
		case r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// A heap is a guest with the allocator of vectors.py.
type heap struct {
	memory []byte
	last   uint32
	calls  [][4]uint32
}

func (h *heap) Memory() []byte { return h.memory }

func (h *heap) Realloc(old, oldSize, align, size uint32) (uint32, error) {
	h.calls = append(h.calls, [4]uint32{old, oldSize, align, size})
	if old != 0 && size < oldSize {
		return (old + align - 1) &^ (align - 1), nil
	}
	at := (h.last + align - 1) &^ (align - 1)
	h.last = at + size
	if int(h.last) > len(h.memory) {
		return 0, trap("heap is full")
	}
	copy(h.memory[at:], h.memory[old:old+oldSize])
	return at, nil
}

func parseVals(t testing.TB, words []string) []uint64 {
	t.Helper()
	vals := make([]uint64, len(words))
	for i, w := range words {
		var err error
		if vals[i], err = strconv.ParseUint(w, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return vals
}

func parseHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// direct is a limit that makes every vector pass its values directly, as those of the specification do.
const direct = 1000

// TestMoveDoesWhatLiftAndLowerDo moves every vector from one guest to another, by core values and through memory.
func TestMoveDoesWhatLiftAndLowerDo(t *testing.T) {
	for i, v := range vectors(t) {
		ts := []types.Value{parseType(t, v.Type)}
		where := fmt.Sprintf("line %d, %s", i+1, v.Type)
		to := v.Encoding
		if v.Lower != nil {
			to = v.Lower.Encoding
		}
		sides := func(memory []byte) (src, dst *Context, h *heap) {
			h = &heap{memory: make([]byte, 6*len(memory)+200)}
			return &Context{Guest: &heap{memory: memory}, Encoding: encodings[v.Encoding], Handles: &Table{}},
				&Context{Guest: h, Encoding: encodings[to], Handles: &Table{}}, h
		}
		memory, vals := parseHex(t, v.Memory), parseVals(t, v.Vals)
		for _, limit := range []int{direct, 0} {
			if limit == 0 { // the same value as it lies in memory, if it is one
				if v.Lifted == nil {
					break
				}
				src, _, _ := sides(memory)
				values, err := src.Lift(vals, ts, direct)
				if err != nil {
					t.Fatal(err)
				}
				h := &heap{memory: make([]byte, 4*len(memory)+200)}
				vals, err = (&Context{Guest: h, Encoding: encodings[v.Encoding]}).Lower(nil, values, ts, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				memory = h.memory
			}
			src, dst, want := sides(memory)
			values, wantErr := src.Lift(vals, ts, limit)
			var wantVals []uint64
			if wantErr == nil {
				wantVals, wantErr = dst.Lower(nil, values, ts, limit, nil)
			}
			src, dst, got := sides(memory)
			src.Begin(vals)
			dst.Begin(nil)
			err := Move(src, dst, ts, limit, nil)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("%s: error %v, want %v", where, err, wantErr)
			}
			if err != nil {
				continue
			}
			if !slices.Equal(dst.Flat(), wantVals) || !slices.Equal(got.calls, want.calls) || !bytes.Equal(got.memory, want.memory) {
				t.Fatalf("%s: values %v, realloc %v, memory\n%x, want %v, %v,\n%x",
					where, dst.Flat(), got.calls, got.memory, wantVals, want.calls, want.memory)
			}
			if src.Pos() != len(vals) {
				t.Errorf("%s: %d of %d core values were taken", where, src.Pos(), len(vals))
			}
		}
	}
}

// TestVectors compares layouts, flattening, lifting and lowering with the executable specification.
func TestVectors(t *testing.T) {
	var lifted, trapped int
	for i, v := range vectors(t) {
		typ := parseType(t, v.Type)
		where := fmt.Sprintf("line %d, %s", i+1, v.Type)
		checkShape(t, where, v, typ.Shape())
		c := Context{Guest: &heap{memory: parseHex(t, v.Memory)}, Encoding: encodings[v.Encoding]}
		got, err := c.Lift(parseVals(t, v.Vals), []types.Value{typ}, direct)
		if (err != nil) != (v.Lifted == nil) {
			t.Errorf("%s: lifted %v, error %v, want %v", where, got, err, v.Lifted)
			continue
		}
		if err != nil {
			trapped++
			continue
		}
		lifted++
		if text(got[0]) != *v.Lifted {
			t.Errorf("%s: lifted %s, want %s", where, text(got[0]), *v.Lifted)
		}
		h := &heap{memory: make([]byte, v.Lower.Room)}
		c = Context{Guest: h, Encoding: encodings[v.Lower.Encoding]}
		vals, err := c.Lower(nil, got, []types.Value{typ}, direct, nil)
		if err != nil {
			t.Errorf("%s: lower: %v", where, err)
			continue
		}
		if want := parseVals(t, v.Lower.Vals); !slices.Equal(vals, want) {
			t.Errorf("%s: lowered to %d, want %d", where, vals, want)
		}
		if !slices.Equal(h.calls, v.Lower.Reallocs) {
			t.Errorf("%s: realloc calls %v, want %v", where, h.calls, v.Lower.Reallocs)
		}
		if got := bytes.TrimRight(h.memory, "\x00"); !bytes.Equal(got, parseHex(t, v.Lower.Memory)) {
			t.Errorf("%s: memory %x, want %s", where, got, v.Lower.Memory)
		}
	}
	if lifted < 1000 || trapped < 200 {
		t.Errorf("only %d vectors lifted and %d trapped", lifted, trapped)
	}
	t.Logf("%d values lifted and lowered, %d traps", lifted, trapped)
}

func checkShape(t *testing.T, where string, v vector, s *types.Shape) {
	t.Helper()
	for p := range s.Layouts {
		if l := s.Layouts[p]; l.Size != v.Size[p] || l.Align != v.Align[p] {
			t.Errorf("%s: size %d and alignment %d, want %d and %d", where, l.Size, l.Align, v.Size[p], v.Align[p])
		}
		var flat []string
		for _, f := range s.Flat {
			flat = append(flat, string(f.Core(types.PtrSize(p))))
		}
		if !slices.Equal(flat, v.Flat[p]) {
			t.Errorf("%s: flattened %v, want %v", where, flat, v.Flat[p])
		}
	}
}
