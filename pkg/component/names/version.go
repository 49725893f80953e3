package names

import (
	"fmt"
	"strconv"
	"strings"
)

// A Version is a semantic version.
type Version struct {
	Major, Minor, Patch uint64
	Pre, Build          string // without the - and the +
}

// ParseVersion reads a semantic version.
func ParseVersion(s string) (Version, error) {
	var v Version
	core, build, hasBuild := strings.Cut(s, "+")
	core, pre, hasPre := strings.Cut(core, "-")
	v.Pre, v.Build = pre, build
	if hasPre && !isIdentifiers(pre, false) || hasBuild && !isIdentifiers(build, true) {
		return Version{}, fmt.Errorf("version %q has a malformed pre-release or build part", s)
	}
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return Version{}, fmt.Errorf("version %q is not of the form major.minor.patch", s)
	}
	for i, field := range []*uint64{&v.Major, &v.Minor, &v.Patch} {
		if !isNumber(parts[i]) {
			return Version{}, fmt.Errorf("version %q: %q is not a number without leading zeros", s, parts[i])
		}
		var err error
		if *field, err = strconv.ParseUint(parts[i], 10, 64); err != nil {
			return Version{}, fmt.Errorf("version %q: %w", s, err)
		}
	}
	return v, nil
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || s != "" && s[0] != '0'
}

// isIdentifiers checks what stands after - or +: identifiers between dots. Those of a pre-release that are numbers have no leading zeros.
func isIdentifiers(s string, build bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		numeric := id != ""
		for i := range len(id) {
			switch c := id[i]; {
			case '0' <= c && c <= '9':
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-':
				numeric = false
			default:
				return false
			}
		}
		if id == "" || numeric && !build && !isNumber(id) {
			return false
		}
	}
	return true
}

// Canonical splits a version into the part that compatible versions share and the rest: 1.2.3 into 1 and .2.3, 0.2.6 into 0.2 and
// .6, 0.0.1-rc into 0.0.1 and -rc. Interfaces whose canonical versions are equal may stand for each other.
func (v Version) Canonical() (canonical, suffix string) {
	switch {
	case v.Major > 0:
		canonical, suffix = fmt.Sprint(v.Major), fmt.Sprintf(".%d.%d", v.Minor, v.Patch)
	case v.Minor > 0:
		canonical, suffix = fmt.Sprintf("0.%d", v.Minor), fmt.Sprintf(".%d", v.Patch)
	default:
		canonical = fmt.Sprintf("0.0.%d", v.Patch)
	}
	if v.Pre != "" {
		suffix += "-" + v.Pre
	}
	if v.Build != "" {
		suffix += "+" + v.Build
	}
	return canonical, suffix
}

// isCanonical reports whether s can be the first part of what Canonical returns.
func isCanonical(s string) bool {
	for _, prefix := range []string{"0.0.", "0.", ""} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			return isNumber(rest) && (rest != "0" || prefix == "0.0.")
		}
	}
	return false
}

// CheckSuffix reports what keeps suffix from completing the canonical version in a name.
func CheckSuffix(n Extern, suffix string) error {
	if !isCanonical(n.Version) {
		return fmt.Errorf("version suffix %q after %q, which is not a canonical version", suffix, n.Version)
	}
	_, err := ParseVersion(n.Version + suffix)
	return err
}

// Canonical is the name with only that part of the version that compatible versions share. An import of one interface can be given an
// export of another whose canonical names are equal; whether their types fit is for type checking to say. A pre-release is compatible
// with itself only.
func (n Extern) Canonical() string {
	if n.Kind != Interface {
		return n.Key()
	}
	path := n.Path()
	if n.Version == "" {
		return path
	}
	v, err := ParseVersion(n.Version)
	if err != nil { // it is canonical already
		return path + "@" + n.Version
	}
	canonical, suffix := v.Canonical()
	if v.Pre != "" {
		canonical += suffix
	}
	return path + "@" + canonical
}

// Path is the name of an interface without its version.
func (n Extern) Path() string { return n.Namespace + ":" + n.Package + "/" + n.Label }
