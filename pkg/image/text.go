package image

import "bytes"

// sniffText tells whether head begins a module or a component in the text format: after blanks and comments, "(module" or
// "(component" (WebAssembly core specification, sections 6.3 and 6.6.13).
func sniffText(head []byte) Kind {
	rest, ok := bytes.CutPrefix(skipBlanks(head), []byte("("))
	if !ok {
		return Unknown
	}
	rest = skipBlanks(rest)
	switch {
	case beginsWord(rest, "module"):
		return Text
	case beginsWord(rest, "component"):
		return TextComponent
	}
	return Unknown
}

// skipBlanks returns what follows the white space and comments at the beginning of b. A comment that does not end in b
// swallows the rest.
func skipBlanks(b []byte) []byte {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		switch {
		case bytes.HasPrefix(b, []byte(";;")):
			end := bytes.IndexByte(b, '\n')
			if end < 0 {
				return nil
			}
			b = b[end+1:]
		case bytes.HasPrefix(b, []byte("(;")):
			b = skipBlock(b)
		default:
			return b
		}
	}
}

// skipBlock returns what follows the block comment at the beginning of b. Block comments nest.
func skipBlock(b []byte) []byte {
	depth := 0
	for len(b) > 0 {
		switch {
		case bytes.HasPrefix(b, []byte("(;")):
			depth++
			b = b[2:]
		case bytes.HasPrefix(b, []byte(";)")):
			depth--
			b = b[2:]
			if depth == 0 {
				return b
			}
		default:
			b = b[1:]
		}
	}
	return nil
}

// beginsWord reports whether b begins with the keyword word and not with a longer one.
func beginsWord(b []byte, word string) bool {
	rest, ok := bytes.CutPrefix(b, []byte(word))
	if !ok {
		return false
	}
	if len(rest) == 0 {
		return true
	}
	return bytes.IndexByte([]byte(" \t\r\n();"), rest[0]) >= 0
}
