package settings

import (
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
)

// noSuch is the error of a key that is in no row, with the name that was probably meant.
func noSuch(key string, where Where) error {
	hint := ""
	if near := nearest(key, where); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("no such setting: %q%s (`containerd-shim-wasmgo-v1 config default` lists them): %w", printable(key), hint, errdefs.ErrInvalidArgument)
}

// nearest is the name that may stand in the place where and is most like key, "" if none is.
func nearest(key string, where Where) string {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(s))
	}
	if len(key) > 64 {
		return ""
	}
	wanted := plain(key)
	best, distance := "", len(wanted)/3+1
	for i := range rows() {
		s := &rows()[i]
		if s.Where&where == 0 {
			continue
		}
		if d := edits(wanted, plain(s.Name)); d < distance {
			best, distance = s.Name, d
		}
	}
	return best
}

// edits is how many letters have to be put in, taken out or changed to make b of a (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// printable cuts what a stranger wrote down to what belongs into a message.
func printable(s string) string {
	const longest = 200
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return s
}
