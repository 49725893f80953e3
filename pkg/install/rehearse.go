package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// rehearse has containerd read the configuration as it is going to be, from files that it does not read otherwise.
func (h *Host) rehearse(ctx context.Context, c *containerd, edits []edit) (err error) {
	before, err := c.dump(ctx, h.Config)
	if err != nil {
		return fmt.Errorf("containerd does not read its own configuration as it is, and nothing of it was changed: %w", err)
	}
	staged, remove, err := h.stage(edits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	after, err := c.dump(ctx, staged)
	if err == nil {
		err = h.compare(before, after)
	}
	if err != nil {
		return fmt.Errorf("the configuration with wasmgo in it would not do, and nothing was changed: %w", err)
	}
	return nil
}

// stage writes the files of a plan under names of their own, and returns that of the main one.
func (h *Host) stage(edits []edit) (main string, remove func() error, err error) {
	var made []string
	remove = func() error {
		var errs []error
		for _, path := range made {
			errs = append(errs, os.Remove(path))
		}
		return errors.Join(append(errs, h.removeDirectories())...)
	}
	write := func(like string, content string) (string, error) {
		dir := filepath.Dir(like)
		if err := h.noteDirectory(dir); err != nil {
			return "", err
		}
		f, err := newTemporary(dir, []byte(content))
		if err != nil {
			return "", err
		}
		made = append(made, f.Name())
		return f.Name(), f.Close()
	}
	text := wanted(edits, h.Config)
	if dropIn := wanted(edits, h.dropIn()); dropIn != "" {
		name, err := write(h.dropIn(), dropIn)
		if err != nil {
			return "", nil, errors.Join(err, remove())
		}
		if text, err = h.importInstead(text, name); err != nil {
			return "", nil, errors.Join(err, remove())
		}
	}
	// Imports are relative to the directory of the main file: it goes there.
	main, err = write(h.Config, text)
	if err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return main, remove, nil
}

// wanted is the content that edits give a file, "" if none.
func wanted(edits []edit, path string) string {
	for _, e := range edits {
		if e.path == path && e.want != nil {
			return string(e.want.content)
		}
	}
	return ""
}

// importInstead makes a main configuration that imports the drop-in import a file in its place, or beside it if it imports the whole directory.
func (h *Host) importInstead(text, name string) (string, error) {
	if strings.Contains(text, strconv.Quote(h.dropIn())) {
		return strings.Replace(text, strconv.Quote(h.dropIn()), strconv.Quote(name), 1), nil
	}
	at, _, err := importsOf(text)
	if err != nil {
		return "", err
	}
	return text[:at] + strconv.Quote(name) + ", " + text[at:], nil
}

// handlerOf returns the table of the handler in a configuration that containerd has read, taken out of it. Its error says what is
// not as Install makes it.
func (h *Host) handlerOf(config map[string]any) (map[string]any, error) {
	for _, plugin := range []string{criRuntime, criPlugin} {
		runtimes := below(config, "plugins", plugin, "containerd", "runtimes")
		table := below(runtimes, h.Handler)
		if table == nil {
			continue
		}
		delete(runtimes, h.Handler)
		if table["runtime_type"] != runtimeType || table["runtime_path"] != h.Program {
			return table, fmt.Errorf("handler %q is %v at %v, not %s at %s: something else configures it, too",
				h.Handler, table["runtime_type"], table["runtime_path"], runtimeType, h.Program)
		}
		return table, nil
	}
	return nil, fmt.Errorf("there is no handler %q in containerd's configuration", h.Handler)
}

// below returns the table at the end of a path of tables, nil if there is none.
func below(table map[string]any, path ...string) map[string]any {
	for _, name := range path {
		table, _ = table[name].(map[string]any)
	}
	return table
}

// compare returns an error unless two configurations that containerd has read differ in the handler only, which after has as it should be. Both
// lose it, and what they import.
func (h *Host) compare(before, after map[string]any) error {
	if _, err := h.handlerOf(after); err != nil {
		return err
	}
	_, _ = h.handlerOf(before) // one of an older installer, or none, is fine there
	delete(before, "imports")
	delete(after, "imports")
	if path := differ("", before, after); path != "" {
		return fmt.Errorf("it would change %s", path)
	}
	return nil
}

// differ returns the path of the first value that two tables do not have in common, "" if they are the same.
func differ(path string, a, b any) string {
	one, ok := a.(map[string]any)
	other, too := b.(map[string]any)
	if !ok || !too {
		if reflect.DeepEqual(a, b) {
			return ""
		}
		return strings.TrimPrefix(path, ".")
	}
	for name := range one {
		if found := differ(path+"."+name, one[name], other[name]); found != "" {
			return found
		}
	}
	for name := range other {
		if _, ok := one[name]; !ok {
			return strings.TrimPrefix(path+"."+name, ".")
		}
	}
	return ""
}
