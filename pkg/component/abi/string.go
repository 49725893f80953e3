package abi

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// A form is an encoding that a string can be in; latin1+utf16 is one of two.
type form byte

const (
	formUTF8 form = iota
	formUTF16
	formLatin1
)

// latin1Tag in the length of a latin1+utf16 string says that it is UTF-16.
const latin1Tag = 1 << 31

// A String is text as a guest had it, in a valid encoding, with what lowering it elsewhere can make use of.
type String struct {
	form  form
	bytes []byte
	// dynamic: from a guest with latin1+utf16 strings, which makes it likely that UTF-16 is there for a reason.
	dynamic bool
}

// NewString is a Go string as a component value. Bytes that are not UTF-8 become U+FFFD, as components have no others.
func NewString(s string) String {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return String{form: formUTF8, bytes: []byte(s)}
}

// units is the number of code units.
func (s String) units() uint64 {
	if s.form == formUTF16 {
		return uint64(len(s.bytes)) / 2
	}
	return uint64(len(s.bytes))
}

// String returns the text as a Go string.
func (s String) String() string {
	if s.form == formUTF8 {
		return string(s.bytes)
	}
	out := make([]byte, 0, len(s.bytes))
	for rest := s; len(rest.bytes) > 0; {
		var r rune
		r, rest = rest.next()
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// next splits off the first code point. The string must not be empty.
func (s String) next() (rune, String) {
	var r rune
	n := 1
	switch s.form {
	case formUTF8:
		r, n = utf8.DecodeRune(s.bytes)
	case formLatin1:
		r = rune(s.bytes[0])
	case formUTF16:
		r, n = rune(binary.LittleEndian.Uint16(s.bytes)), 2
		if utf16.IsSurrogate(r) {
			r, n = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(s.bytes[2:]))), 4
		}
	}
	s.bytes = s.bytes[n:]
	return r, s
}

// validUTF16 reports whether all surrogates come in pairs.
func validUTF16(b []byte) bool {
	for i := 0; i < len(b); i += 2 {
		switch u := binary.LittleEndian.Uint16(b[i:]); {
		case u>>10 == 0xd800>>10:
			if i += 2; i >= len(b) || binary.LittleEndian.Uint16(b[i:])>>10 != 0xdc00>>10 {
				return false
			}
		case u>>10 == 0xdc00>>10:
			return false
		}
	}
	return true
}

// LoadString is the string at an address, as a slice of the guest's memory: valid until the guest runs. It is checked once, here.
func (c *Context) LoadString(at, tagged uint32) String {
	s := String{form: formUTF8}
	size, align := uint64(tagged), uint32(1)
	switch c.Encoding {
	case UTF16:
		s.form, size, align = formUTF16, 2*uint64(tagged), 2
	case Latin1UTF16:
		s.form, align, s.dynamic = formLatin1, 2, true
		if tagged&latin1Tag != 0 {
			s.form, size = formUTF16, 2*uint64(tagged^latin1Tag)
		}
	}
	if size > maxStringBytes {
		c.Trapf("string of %d bytes is longer than %d", size, maxStringBytes)
		return String{}
	}
	s.bytes = c.content(at, size, align, "string")
	if s.form == formUTF8 && !utf8.Valid(s.bytes) || s.form == formUTF16 && !validUTF16(s.bytes) {
		c.Trapf("string is not well encoded")
		return String{}
	}
	return s
}

// clone copies a string out of a guest's memory.
func (s String) clone() String {
	s.bytes = append([]byte(nil), s.bytes...)
	return s
}

// appendUTF8 and appendUTF16 encode text behind what is there.
func (s String) appendUTF8(b []byte) []byte {
	for len(s.bytes) > 0 {
		var r rune
		r, s = s.next()
		b = utf8.AppendRune(b, r)
	}
	return b
}

func (s String) appendUTF16(b []byte) []byte {
	for len(s.bytes) > 0 {
		var r rune
		r, s = s.next()
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			b = binary.LittleEndian.AppendUint16(b, uint16(hi))
			r = lo
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
	}
	return b
}
