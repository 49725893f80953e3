package abi

// maxTable is how many entries a table can have; handles above are not representable in the packed results of async calls.
const maxTable = 1<<28 - 1

// An entryKind is what an entry of a table is.
type entryKind byte

const (
	free entryKind = iota
	ownHandle
	borrowHandle
	// other is for what the built-ins of WASI 0.3 keep in the same table: waitables, waitable sets, error contexts.
	other
)

// An entry of a table. Entries lie in the table by value, so that adding a handle does not allocate once the table has grown.
type entry struct {
	kind     entryKind
	rep      uint32
	lends    uint32 // of an own handle: how many borrows of it are in calls that have not returned
	resource *Resource
	scope    *Scope // of a borrow handle: the call at whose end it must be gone
	other    any
}

// A Table is the one table of a component instance, which maps small numbers to handles. Index 0 is never used. It is not safe for
// concurrent use; an instance runs one thing at a time.
type Table struct {
	entries []entry
	free    []uint32 // last freed, first used: guests may see indices again, as in the specification
}

// Len is how many entries are in use.
func (t *Table) Len() int {
	if len(t.entries) == 0 {
		return 0
	}
	return len(t.entries) - 1 - len(t.free)
}

// add returns the index of a new entry, or 0 if the table is full.
func (t *Table) add(e entry) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[i] = e
		return i
	}
	if len(t.entries) == 0 {
		t.entries = append(t.entries, entry{})
	}
	if len(t.entries) > maxTable {
		return 0
	}
	t.entries = append(t.entries, e)
	return uint32(len(t.entries) - 1)
}

// get returns an entry that is in use, or nil. The pointer is valid until the next add.
func (t *Table) get(i uint32) *entry {
	if int64(i) >= int64(len(t.entries)) || t.entries[i].kind == free {
		return nil
	}
	return &t.entries[i]
}

func (t *Table) remove(i uint32) {
	t.entries[i] = entry{}
	t.free = append(t.free, i)
}

// keptEntries is how many entries a table keeps the room of, of whatever guest had the most.
const keptEntries = 1 << 10

// Reset makes the table a new one.
func (t *Table) Reset() {
	if cap(t.entries) > keptEntries {
		*t = Table{}
		return
	}
	clear(t.entries)
	t.entries, t.free = t.entries[:0], t.free[:0]
}

// Add keeps something of WASI 0.3 in the table and returns its index; 0 if the table is full.
func (t *Table) Add(x any) uint32 { return t.add(entry{kind: other, other: x}) }

// Get returns what [Table.Add] has kept at an index, or nil if there is no such thing.
func (t *Table) Get(i uint32) any {
	if e := t.get(i); e != nil && e.kind == other {
		return e.other
	}
	return nil
}

// Remove forgets what [Table.Get] returned.
func (t *Table) Remove(i uint32) {
	if e := t.get(i); e != nil && e.kind == other {
		t.remove(i)
	}
}
