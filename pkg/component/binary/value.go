package binary

// A ValueDef is (value …), a constant. Its bytes are the value in the binary format of its type; value definitions are a proposal
// that no toolchain uses, so the bytes are kept and not looked into.
type ValueDef struct {
	Pos
	Type  ValType
	Bytes []byte
}

func (d *decoder) value() Definition {
	v := &ValueDef{Pos: Pos(d.Offset()), Type: d.valType()}
	n := d.U32()
	if n > maxValueSize {
		d.Fail("value of %d bytes is larger than %d", n, maxValueSize)
	}
	v.Bytes = d.Bytes(int(n))
	return v
}
