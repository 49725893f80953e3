package beneath

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A node is what a path leads to in a model of a file system.
type node struct {
	parent   *node
	children map[string]*node // nil: no directory
	link     string           // what a link says; "" if it is none
}

// modelOf is tree's directory "top" as nodes.
func modelOf(t testing.TB) *node {
	t.Helper()
	top := &node{children: map[string]*node{}}
	for _, entry := range tree {
		path, isTop := strings.CutPrefix(entry, "top/")
		if !isTop {
			continue
		}
		path, link, _ := strings.Cut(path, " -> ")
		path = strings.TrimSuffix(path, " |")
		at := top
		names := strings.Split(path, "/")
		for _, name := range names[:len(names)-1] {
			if at.children[name] == nil {
				at.children[name] = &node{parent: at, children: map[string]*node{}}
			}
			at = at.children[name]
		}
		if last := names[len(names)-1]; last != "" {
			at.children[last] = &node{parent: at, link: link}
		}
	}
	return top
}

// resolve is path_resolution(7) with WASI's rules, in the plainest way there is: a list of names that links are put in front of. A slash
// at the end is a name "." after it.
func (top *node) resolve(path string, follow, whole bool) any {
	switch {
	case path == "":
		return unix.ENOENT
	case path[0] == '/':
		return unix.EPERM
	case len(path) > 4095:
		return unix.ENAMETOOLONG
	case strings.Contains(path, "\x00"):
		return unix.EINVAL
	}
	at, links := top, 0
	names := namesOf(path)
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if at.children == nil {
			return unix.ENOTDIR
		}
		switch name {
		case "", ".":
			continue
		case "..":
			if at != top {
				at = at.parent
			} else if !whole {
				return unix.EPERM
			}
			continue
		}
		if len(name) > 255 {
			return unix.ENAMETOOLONG
		}
		next := at.children[name]
		switch {
		case next == nil:
			return unix.ENOENT
		case next.link == "":
			at = next
			continue
		case len(names) == 0 && !follow:
			return unix.ELOOP
		}
		if links++; links > 40 {
			return unix.ELOOP
		}
		if next.link[0] == '/' {
			if !whole {
				return unix.EPERM
			}
			at = top
		}
		names = append(namesOf(next.link), names...)
	}
	return at
}

func namesOf(path string) []string {
	if strings.HasSuffix(path, "/") {
		path += "."
	}
	return strings.Split(path, "/")
}

// vocabulary is what fuzzed paths are made of, beside what the fuzzer thinks up.
var vocabulary = []string{
	"/", "..", ".", "file", "dir", "sub", "deep", "empty", "to-file", "to-dir", "to-link", "up", "slash", "dangling", "self", "ping",
	"escape", "parent", "absolute", "absolute-dir", "absolute-root", "deep1", "x", "x/x", "../", "//",
}

// spell makes a path of bytes: small ones are words, the others themselves.
func spell(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if int(c) < len(vocabulary) {
			b.WriteString(vocabulary[c])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// FuzzResolve: a path, and one link that says anything, lead where the model says, with openat2(2) and without.
func FuzzResolve(f *testing.F) {
	dir := quickDir(f)
	tree.make(f, dir)
	model := modelOf(f)
	type way struct {
		d     *Descriptor
		whole bool
	}
	ways := map[string]way{
		"openat2":       {preopen(f, dir+"/top", Options{}), false},
		"walk":          {preopen(f, dir+"/top", Options{Walk: true}), false},
		"openat2, root": {preopen(f, dir+"/top", Options{Root: true}), true},
		"walk, root":    {preopen(f, dir+"/top", Options{Root: true, Walk: true}), true},
	}
	for _, tt := range resolutions {
		f.Add(tt.path, "dir", !tt.nofollow)
	}
	f.Add("\x16", "\x04\x00\x01\x00\x01", true)                  // x, which says dir/../..
	f.Add("\x16\x00\x03", "\x00\x04\x00\x0b", true)              // x/file, where x says /dir/up
	f.Add("\x04\x00\x0b\x00\x16\x00", "\x04\x00\x05\x00", false) // dir/up/x/, where x says dir/sub/
	f.Fuzz(func(t *testing.T, path, link string, follow bool) {
		path, link = spell(path), spell(link)
		delete(model.children, "x")
		if err := os.RemoveAll(dir + "/top/x"); err != nil {
			t.Fatal(err)
		}
		if os.Symlink(link, dir+"/top/x") == nil { // else it is none that a file system takes
			model.children["x"] = &node{parent: model, link: link}
		}
		for name, w := range ways {
			want := model.resolve(path, follow, w.whole)
			var got any
			d, err := w.d.OpenAt(follow, path, 0, 0)
			if err != nil {
				got = errnoOf(t, err)
			} else {
				got = model.find(t, w.d, d)
				closed(t, d)
			}
			if got != want {
				t.Errorf("%s: %q with x saying %q leads to %v, want %v", name, path, link, got, want)
			}
		}
	})
}

// find is the node that a descriptor is of.
func (top *node) find(t *testing.T, from, d *Descriptor) any {
	t.Helper()
	if from.IsSameObject(d) {
		return top
	}
	for name, n := range top.children {
		if n.link != "" {
			continue
		}
		child, err := from.OpenAt(false, name, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := any(nil)
		if child.IsSameObject(d) {
			found = n
		} else if n.children != nil {
			found = n.find(t, child, d)
		}
		closed(t, child)
		if found != nil {
			return found
		}
	}
	return nil
}
