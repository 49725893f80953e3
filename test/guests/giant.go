package guests

import (
	"encoding/binary"
	"math/rand/v2"
)

// Giant makes a module of about size bytes whose functions look to a compiler like those of a large program: locals, arithmetic,
// memory, branches, loops and calls. The same size gives the same bytes. Run, it writes "giant\n" and exits.
//
// It stands for language runtimes with their libraries, which have 30 MB and more and would not do as a committed file.
func Giant(size int) []byte {
	const body = 1500 // bytes of a function, about what compilers make on average
	count := size / body
	g := generator{random: rand.New(rand.NewPCG(1, 2)), functions: count}
	bodies := [][]byte{}
	for range count {
		bodies = append(bodies, g.function(body))
	}
	// _start: fd_write(1, iovec at 0, one, result at 12).
	bodies = append(bodies, []byte{0, 0x41, 1, 0x41, 0, 0x41, 1, 0x41, 12, opCall, 0, opDrop, opEnd})

	types := [][]byte{{0x60, 4, i32, i32, i32, i32, 1, i32}, {0x60, 2, i32, i32, 1, i32}, {0x60, 0, 0}}
	declared := [][]byte{}
	for range count {
		declared = append(declared, []byte{1})
	}
	declared = append(declared, []byte{2})
	start := uleb(nil, uint64(count+1))
	message := "giant\n"
	data := binary.LittleEndian.AppendUint32(nil, 8+8)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(message)))
	data = append(append(data, make([]byte, 8)...), message...)

	module := []byte("\x00asm\x01\x00\x00\x00")
	module = section(module, 1, types)
	module = section(module, 2, [][]byte{append(append(name("wasi_snapshot_preview1"), name("fd_write")...), 0, 0)})
	module = section(module, 3, declared)
	module = section(module, 5, [][]byte{{0, 16}})
	module = section(module, 7, [][]byte{append(name("memory"), 2, 0), append(append(name("_start"), 0), start...)})
	for i, b := range bodies {
		bodies[i] = append(uleb(nil, uint64(len(b))), b...)
	}
	module = section(module, 10, bodies)
	return section(module, 11, [][]byte{append(append([]byte{0, 0x41, 0, opEnd}, uleb(nil, uint64(len(data)))...), data...)})
}

// The parts of the binary format that are used; WebAssembly core specification, chapter 5.
const (
	i32       = 0x7f
	opBlock   = 0x02
	opLoop    = 0x03
	opIf      = 0x04
	opElse    = 0x05
	opEnd     = 0x0b
	opBrIf    = 0x0d
	opCall    = 0x10
	opDrop    = 0x1a
	opGet     = 0x20
	opSet     = 0x21
	opTee     = 0x22
	opLoad    = 0x28
	opStore   = 0x36
	opConst   = 0x41
	opLtU     = 0x49
	opAdd     = 0x6a
	opAnd     = 0x71
	noResult  = 0x40
	locals    = 8 // of a function, its two parameters among them
	deepest   = 4 // expressions and blocks within each other
	reachable = 0xfff0
)

// binaries are operators of two numbers that never trap.
var binaries = []byte{opAdd, 0x6b, 0x6c, opAnd, 0x72, 0x73, 0x74, 0x75, 0x76, 0x46, opLtU, 0x4a}

type generator struct {
	random    *rand.Rand
	functions int
	b         []byte
}

// function makes the body of one of type (i32, i32) → i32.
func (g *generator) function(size int) []byte {
	g.b = []byte{1, locals - 2, i32}
	for len(g.b) < size {
		g.statement(0)
	}
	g.expression(0)
	g.b = append(g.b, opEnd)
	return g.b
}

func (g *generator) local() byte { return byte(g.random.IntN(locals)) }

// statement leaves the stack as it was.
func (g *generator) statement(depth int) {
	kind := g.random.IntN(10)
	if depth >= deepest {
		kind = min(kind, 5)
	}
	switch kind {
	default:
		g.expression(0)
		g.b = append(g.b, opSet, g.local())
	case 4:
		g.address()
		g.expression(1)
		g.b = append(g.b, opStore, 2, 0)
	case 5:
		g.expression(1)
		g.expression(1)
		g.b = append(g.b, opCall)
		g.b = uleb(g.b, uint64(1+g.random.IntN(g.functions)))
		g.b = append(g.b, opSet, g.local())
	case 6, 7:
		g.expression(1)
		g.b = append(g.b, opIf, noResult)
		g.statement(depth + 1)
		g.b = append(g.b, opElse)
		g.statement(depth + 1)
		g.b = append(g.b, opEnd)
	case 8:
		g.b = append(g.b, opBlock, noResult)
		g.statement(depth + 1)
		g.expression(1)
		g.b = append(g.b, opBrIf, 0)
		g.statement(depth + 1)
		g.b = append(g.b, opEnd)
	case 9:
		counter := g.local()
		g.b = append(g.b, opLoop, noResult)
		g.statement(depth + 1)
		g.b = append(g.b, opGet, counter, opConst, 1, opAdd, opTee, counter, opConst, 100, opLtU, opBrIf, 0, opEnd)
	}
}

// expression leaves one number.
func (g *generator) expression(depth int) {
	kind := g.random.IntN(6)
	if depth >= deepest {
		kind = min(kind, 1)
	}
	switch kind {
	case 0:
		g.b = append(g.b, opConst)
		g.b = sleb(g.b, int64(int32(g.random.Uint32()))>>g.random.IntN(32))
	case 1:
		g.b = append(g.b, opGet, g.local())
	case 2:
		g.address()
		g.b = append(g.b, opLoad, 2, 0)
	default:
		g.expression(depth + 1)
		g.expression(depth + 1)
		g.b = append(g.b, binaries[g.random.IntN(len(binaries))])
	}
}

// address leaves the address of something in memory.
func (g *generator) address() {
	g.b = append(g.b, opGet, g.local(), opConst)
	g.b = append(sleb(g.b, reachable), opAnd)
}

func section(b []byte, id byte, items [][]byte) []byte {
	content := uleb(nil, uint64(len(items)))
	for _, item := range items {
		content = append(content, item...)
	}
	return append(uleb(append(b, id), uint64(len(content))), content...)
}

func name(s string) []byte { return append(uleb(nil, uint64(len(s))), s...) }

func uleb(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

func sleb(b []byte, n int64) []byte {
	for n < -64 || n > 63 {
		b = append(b, byte(n)&0x7f|0x80)
		n >>= 7
	}
	return append(b, byte(n)&0x7f)
}
