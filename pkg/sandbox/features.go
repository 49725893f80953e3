package sandbox

import (
	"maps"
	"slices"
)

// MountOptions are the options of OCI mounts that are understood here and not left to the file system, sorted.
func MountOptions() []string {
	out := []string{"bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(attributes)), slices.Collect(maps.Keys(propagations))) {
		out = append(out, name, "r"+name)
	}
	slices.Sort(out)
	return out
}

// Namespaces are the kinds of namespaces a sandbox can have of its own, by their names in the specification, sorted.
func Namespaces() []string {
	var out []string
	for kind := range cloneFlags {
		out = append(out, string(kind))
	}
	slices.Sort(out)
	return out
}
