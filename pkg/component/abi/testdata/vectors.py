"""Makes vectors.jsonl out of the executable specification of the canonical ABI.

    python3 vectors.py COMPONENT-MODEL/design/mvp/canonical-abi > vectors.jsonl

COMPONENT-MODEL is a checkout of github.com/WebAssembly/component-model, commit 6d281648bd89caf885a7adcc412962dbd2425ab7. Its own test
values are taken from run_tests.py by recording what its function test() is called with; random types and values are added, and
damaged copies of them. Every line is a type, what lifting gives or that it traps, and what lowering that again gives, step by step.
"""
import json, math, random, struct, sys

sys.path.insert(0, sys.argv[1])
import definitions
from definitions import *

definitions.DETERMINISTIC_PROFILE = True
random.seed(4)

NAMES = {BoolType: "bool", S8Type: "s8", U8Type: "u8", S16Type: "s16", U16Type: "u16", S32Type: "s32", U32Type: "u32",
         S64Type: "s64", U64Type: "u64", F32Type: "f32", F64Type: "f64", CharType: "char", StringType: "string"}


def type_json(t):
    match t:
        case None: return None
        case ListType(e, n): return ["list", type_json(e)] if n is None else ["list", type_json(e), n]
        case RecordType(fs): return ["record"] + [type_json(f.t) for f in fs]
        case TupleType(ts): return ["tuple"] + [type_json(u) for u in ts]
        case VariantType(cs): return ["variant"] + [type_json(c.t) for c in cs]
        case EnumType(ls): return ["enum", len(ls)]
        case OptionType(u): return ["option", type_json(u)]
        case ResultType(o, e): return ["result", type_json(o), type_json(e)]
        case FlagsType(ls): return ["flags", len(ls)]
        case MapType(k, v): return ["map", type_json(k), type_json(v)]
    return NAMES[type(t)]


def text(v, t):
    """A value as the Go test writes it too."""
    d = despecialize(t)
    match d:
        case BoolType(): return "true" if v else "false"
        case F32Type(): return "f32:%08x" % struct.unpack("<I", struct.pack("<f", v))[0]
        case F64Type(): return "f64:%016x" % struct.unpack("<Q", struct.pack("<d", v))[0]
        case CharType(): return "U+%04X" % ord(v)
        case StringType(): return json.dumps(v[0])
        case ListType(e): return "[" + ",".join(text(x, e) for x in v) + "]"
        case RecordType(fs): return "{" + ",".join(text(v[f.label], f.t) for f in fs) + "}"
        case FlagsType(ls): return "flags:%x" % sum(1 << i for i, l in enumerate(ls) if v[l])
        case VariantType(cs):
            i, p = match_case(v, cs)
            return "%d" % i if cs[i].t is None else "%d(%s)" % (i, text(p, cs[i].t))
    return str(v)


def bits(vals, t, opts):
    out = []
    for v, ct in zip(vals, flatten_type(t, opts), strict=True):
        if ct == "f32": v = struct.unpack("<I", struct.pack("<f", v))[0]
        if ct == "f64": v = struct.unpack("<Q", struct.pack("<d", v))[0]
        out.append(str(v))
    return out


class Heap:
    """The allocator of run_tests.py, which also writes down what it is asked for."""

    def __init__(self, size):
        self.memory, self.last, self.calls = bytearray(size), 0, []

    def realloc(self, args):
        self.calls.append(args)
        old, old_size, alignment, size = args
        if old != 0 and size < old_size:
            return [align_to(old, alignment)]
        at = align_to(self.last, alignment)
        self.last = at + size
        if self.last > len(self.memory):
            trap()
        self.memory[at:at + old_size] = self.memory[old:old + old_size]
        return [at]


def context(memory, encoding, realloc=None):
    opts = CanonicalOptions()
    opts.memory, opts.string_encoding, opts.realloc = MemInst(memory, "i32"), encoding, realloc
    return LiftLowerContext(opts, ComponentInstance(Store()))


def hexed(memory):
    return bytes(memory).rstrip(b"\0").hex()


def line(t, vals, memory, encoding, dst):
    cx = context(memory, encoding)
    out = {"type": type_json(t), "vals": bits(vals, t, cx.opts), "memory": bytes(memory).hex(), "encoding": encoding,
           "size": [elem_size(t, p) for p in ("i32", "i64")], "align": [alignment(t, p) for p in ("i32", "i64")],
           "flat": [flatten_type(t, CanonicalOptions(memory=MemInst(bytearray(), p))) for p in ("i32", "i64")]}
    try:
        v = lift_flat(cx, CoreValueIter(vals), t)
    except Trap:
        print(json.dumps(out))
        return
    out["lifted"] = text(v, t)
    heap = Heap(5 * len(memory) + 64)
    lcx = context(heap.memory, dst, heap.realloc)
    try:
        lowered = lower_flat(lcx, v, t)
    except Trap:
        return
    out["lower"] = {"encoding": dst, "room": len(heap.memory), "vals": bits(lowered, t, lcx.opts), "memory": hexed(heap.memory),
                    "reallocs": heap.calls}
    print(json.dumps(out))


def from_run_tests():
    source = open(sys.argv[1] + "/run_tests.py").read()
    source = source[:source.index("\ndef test_roundtrips")]
    mark = "  vi = CoreValueIter(vals_to_lift)\n\n  if v is None:"
    assert mark in source

    def record(t, vals, cx, dst):
        if cx.opts.memory.addrtype == "i32":  # memories of 64 bits are not supported here
            line(t, vals, bytearray(cx.opts.memory.bytes), cx.opts.string_encoding, dst or cx.opts.string_encoding)

    exec(compile(source.replace(mark, "  RECORD(t, vals_to_lift, cx, dst_encoding)\n" + mark), "run_tests.py", "exec"),
         {"RECORD": record, "__name__": "run_tests"})


SCALARS = [BoolType, S8Type, U8Type, S16Type, U16Type, S32Type, U32Type, S64Type, U64Type, F32Type, F64Type, CharType]


def random_type(depth):
    if depth == 0 or random.random() < .2:
        return random.choice(SCALARS + [StringType])()
    sub = lambda: random_type(depth - 1)
    maybe = lambda: sub() if random.random() < .7 else None
    match random.randrange(9):
        case 0: return ListType(sub())
        case 1: return ListType(sub(), random.randint(1, 3))
        case 2: return RecordType([FieldType("f%d" % i, sub()) for i in range(random.randint(1, 4))])
        case 3: return TupleType([sub() for _ in range(random.randint(1, 4))])
        case 4: return VariantType([CaseType("c%d" % i, maybe()) for i in range(random.randint(1, 4))])
        case 5: return OptionType(sub())
        case 6: return ResultType(maybe(), maybe())
        case 7: return FlagsType(["l%d" % i for i in range(random.choice([1, 8, 9, 16, 17, 32]))])
        case 8: return EnumType(["e%d" % i for i in range(random.choice([1, 2, 256, 257]))])


def random_char():
    while True:
        c = random.choice([random.randrange(0x80), random.randrange(0x100), random.randrange(0x10000), random.randrange(0x110000)])
        if not 0xd800 <= c <= 0xdfff:
            return chr(c)


def random_value(t):
    d = despecialize(t)
    match d:
        case BoolType(): return random.random() < .5
        case S8Type() | S16Type() | S32Type() | S64Type():
            n = 1 << int(NAMES[type(d)][1:]) - 1
            return random.choice([random.randrange(-n, n), -n, n - 1, -1])
        case U8Type() | U16Type() | U32Type() | U64Type():
            n = 1 << int(NAMES[type(d)][1:])
            return random.choice([random.randrange(n), n - 1, 0])
        case F32Type(): return struct.unpack("<f", struct.pack("<f", random.choice([random.gauss(0, 9), math.inf, -0.0, math.nan])))[0]
        case F64Type(): return random.choice([random.gauss(0, 9), -math.inf, 0.0, math.nan])
        case CharType(): return random_char()
        case StringType():
            s = "".join(random_char() if random.random() < .4 else random.choice("abc") for _ in range(random.randrange(5)))
            return (s, "utf8", len(s.encode()))
        case ListType(e, n): return [random_value(e) for _ in range(random.randrange(4) if n is None else n)]
        case RecordType(fs): return {f.label: random_value(f.t) for f in fs}
        case FlagsType(ls): return {l: random.random() < .5 for l in ls}
        case VariantType(cs):
            c = random.choice(cs)
            return {c.label: None if c.t is None else random_value(c.t)}


def random_lines(n):
    encodings = ["utf8", "utf16", "latin1+utf16"]
    for _ in range(n):
        t = random_type(3)
        src, dst = random.choice(encodings), random.choice(encodings)
        heap = Heap(600)
        try:
            vals = lower_flat(context(heap.memory, src, heap.realloc), random_value(t), t)
        except Trap:
            continue
        if len(vals) > 40:
            continue
        memory = heap.memory[:heap.last]
        line(t, vals, memory, src, dst)
        for _ in range(2):  # damaged: most of these trap or become other values
            damaged, other = bytearray(memory), list(vals)
            if memory and random.random() < .7:
                damaged[random.randrange(len(memory))] ^= random.choice([1, 0x80, 0xff])
            else:
                i = random.randrange(len(other))
                if isinstance(other[i], int):
                    other[i] = (other[i] ^ (1 << random.randrange(32))) & 0xffffffff
            line(t, other, damaged, src, dst)


from_run_tests()
random_lines(500)
