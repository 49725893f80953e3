package install

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// runtimeType is what containers ask containerd for; the program's name follows from it.
const runtimeType = "io.containerd.wasmgo.v1"

// annotations are those that CRI hands on to the shim.
const annotations = runtimePrefix + "*"

// runtimePrefix begins the annotations that are wasmgo's settings.
const runtimePrefix = "io.containerd.wasmgo."

// The plugins of containerd that run pods, in configurations of version 3 and of version 2.
const (
	criRuntime = "io.containerd.cri.v1.runtime"
	criPlugin  = "io.containerd.grpc.v1.cri"
)

const (
	// ownFile is the first line of a main configuration that did not exist before.
	ownFile = "# Made by the installer of wasmgo; there was no such file.\n"
	// beginBlock and endBlock are around what is wasmgo's in a main configuration.
	beginBlock = "\n# Begin of wasmgo. `containerd-shim-wasmgo-v1 uninstall` takes it out.\n"
	endBlock   = "# End of wasmgo.\n"
)

// handler is the table of the runtime handler in a configuration of the version that plugin belongs to.
func (h *Host) handler(plugin string) string {
	return fmt.Sprintf(`[plugins.%[1]q.containerd.runtimes.%[2]q]
  runtime_type = %[3]q
  runtime_path = %[4]q
  pod_annotations = [%[5]q]
  container_annotations = [%[5]q]
`, plugin, h.Handler, runtimeType, h.Program, annotations)
}

// dropIn is the file in the drop-in directory.
func (h *Host) dropIn() string { return filepath.Join(h.DropIns, "wasmgo.toml") }

// backup is where the main configuration is kept as it was, for people.
func (h *Host) backup() string { return h.Config + ".before-wasmgo" }

// plan says what files are to be like for containerd to have the handler, what is imported before what imports it. Main is its main
// configuration, nil if there is none.
func (h *Host) plan(c *containerd, main *file) ([]edit, error) {
	version, table := 3, h.handler(criRuntime)
	if c.major < 2 {
		version, table = 2, h.handler(criPlugin)
	}
	text, mode := fmt.Sprintf("%sversion = %d\n", ownFile, version), fileMode
	if main != nil {
		plain, existed, err := h.without(string(main.content))
		if err != nil {
			return nil, err
		}
		if existed {
			text = plain
		}
		mode = main.mode
	}
	if c.major < 2 {
		return h.planMain(nil, text, text+beginBlock+table+endBlock, mode), nil
	}
	dropIn := edit{h.dropIn(), &file{[]byte("# Made by the installer of wasmgo, which overwrites it.\nversion = 3\n\n" + table), fileMode}}
	planned, err := h.withImport(text)
	if err != nil {
		return nil, err
	}
	return h.planMain([]edit{dropIn}, text, planned, mode), nil
}

// planMain adds to edits that of the main configuration from plain to planned, and that of its backup.
func (h *Host) planMain(edits []edit, plain, planned string, mode fs.FileMode) []edit {
	if planned != plain && !strings.HasPrefix(plain, ownFile) {
		edits = append(edits, edit{h.backup(), &file{[]byte(plain), mode}})
	}
	return append(edits, edit{h.Config, &file{[]byte(planned), mode}})
}

// planRemoval says what files are to be like for containerd to have no handler, what imports before what it imports.
func (h *Host) planRemoval(main *file) ([]edit, error) {
	var edits []edit
	if main != nil {
		plain, existed, err := h.without(string(main.content))
		if err != nil {
			return nil, err
		}
		e := edit{path: h.Config}
		if existed {
			e.want = &file{[]byte(plain), main.mode}
		}
		edits = append(edits, e)
	}
	return append(edits, edit{path: h.dropIn()}), nil
}

// importLine is how a main configuration without imports begins once it has ours.
func (h *Host) importLine() string {
	return fmt.Sprintf("imports = [%q] # of wasmgo\n", h.dropIn())
}

// importElement is what is put in front of the imports that there are.
func (h *Host) importElement() string { return strconv.Quote(h.dropIn()) + ", " }

// withImport returns a main configuration that imports the drop-in, too.
func (h *Host) withImport(text string) (string, error) {
	at, patterns, err := importsOf(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", h.Config, err)
	}
	if at < 0 {
		// Only before the first table is it of the top level.
		return h.importLine() + text, nil
	}
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(h.Config), p)
		}
		if ok, err := filepath.Match(p, h.dropIn()); err == nil && ok {
			return text, nil
		}
	}
	return text[:at] + h.importElement() + text[at:], nil
}

// without returns a main configuration as it was before Install: it is the inverse of all that plan does to it. Existed is false if there was
// none. An import that somebody else has written stays, and has containerd refuse the configuration once the drop-in is gone.
func (h *Host) without(text string) (plain string, existed bool, err error) {
	plain = text
	if begin := strings.Index(plain, beginBlock); begin >= 0 {
		end := strings.Index(plain[begin:], endBlock)
		if end < 0 {
			return "", false, fmt.Errorf("%s has %q without %q after it: remove that part by hand", h.Config, strings.TrimSpace(beginBlock), strings.TrimSpace(endBlock))
		}
		plain = plain[:begin] + plain[begin+end+len(endBlock):]
	}
	if rest, ok := strings.CutPrefix(plain, h.importLine()); ok {
		plain = rest
	} else {
		plain = strings.Replace(plain, h.importElement(), "", 1)
	}
	existed = plain != ownFile+"version = 2\n" && plain != ownFile+"version = 3\n"
	return plain, existed, nil
}

// importsOf returns the offset just behind the bracket that opens the imports of a configuration, and what is imported; -1 if there is no list.
func importsOf(text string) (at int, patterns []string, err error) {
	p := unstable.Parser{}
	p.Reset([]byte(text))
	at = -1
	for at < 0 && p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.KeyValue {
			break // a table: what follows is below one
		}
		key := e.Key()
		key.Next()
		if string(key.Node().Data) != "imports" {
			continue
		}
		if e.Value().Kind != unstable.Array {
			return 0, nil, fmt.Errorf("its imports are no list but a %s", e.Value().Kind)
		}
		raw := key.Node().Raw
		behind := int(raw.Offset + raw.Length)
		at = behind + strings.IndexByte(text[behind:], '[') + 1
		for it := e.Value().Children(); it.Next(); {
			if it.Node().Kind == unstable.String {
				patterns = append(patterns, string(it.Node().Data))
			}
		}
	}
	if err := p.Error(); err != nil {
		return 0, nil, fmt.Errorf("read it: %w", err)
	}
	return at, patterns, nil
}
