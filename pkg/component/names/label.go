package names

import (
	"fmt"
	"strings"
)

// CheckLabel reports what keeps s from being a label: words of lower-case letters or acronyms of upper-case letters and digits,
// joined by single hyphens, the first beginning with a letter.
func CheckLabel(s string) error {
	if !isLabel(s) {
		return fmt.Errorf("%q is not in kebab case", s)
	}
	return nil
}

func isLabel(s string) bool {
	for i, fragment := range strings.Split(s, "-") {
		if !isFragment(fragment, 'a', 'z', i == 0) && !isFragment(fragment, 'A', 'Z', i == 0) {
			return false
		}
	}
	return true
}

// isWords is the grammar of namespaces and packages: a label without acronyms.
func isWords(s string) bool {
	for i, fragment := range strings.Split(s, "-") {
		if !isFragment(fragment, 'a', 'z', i == 0) {
			return false
		}
	}
	return true
}

func isFragment(s string, from, to byte, first bool) bool {
	for i := range len(s) {
		letter := from <= s[i] && s[i] <= to
		digit := '0' <= s[i] && s[i] <= '9'
		if !letter && (!digit || first && i == 0) {
			return false
		}
	}
	return s != ""
}

// LabelKey is equal for labels that are too alike to stand in one scope.
func LabelKey(label string) string { return strings.ToLower(label) }
